<?php
/**
 * Something that answers at the core's address and is not the core of the tests: `php -S` runs it. What it does stands in the file
 * FAKE_CORE: a name below.
 */

$what = trim( file_get_contents( getenv( 'FAKE_CORE' ) ) );
file_put_contents( getenv( 'FAKE_CORE' ) . '.asked', $_SERVER['REQUEST_URI'] . "\n", FILE_APPEND );
$frame = static fn( $flag, $bytes ) => chr( $flag ) . pack( 'N', strlen( $bytes ) ) . $bytes;
$end   = $frame( 0x80, "grpc-status:0\r\n" );
header( 'Content-Type: application/grpc-web+proto' );
switch ( $what ) {
	case 'slow':
		sleep( 10 );
		echo $frame( 0, '' ) . $end;
		break;
	case 'newer':
		// A post of status 4711 on platform 99, with an account of health 77 and a field that nobody knows yet.
		$account = "\x08\x01\x1a\x03Ada\x28\x4d";
		echo $frame( 0, "\x08\x05\x28\x63\x30\xe7\x24" . "\xda\x01" . chr( strlen( $account ) ) . $account . "\xfa\x3f\x03new" ) . $end;
		break;
	case 'html':
		header( 'Content-Type: text/html' );
		http_response_code( 502 );
		echo '<html><script>alert(1)</script>Bad gateway</html>';
		break;
	case 'redirect':
		header( 'Location: http://127.0.0.1:1/evil', true, 307 );
		break;
	case 'short':
		echo substr( $frame( 0, "\x08\x05" ) . $end, 0, 9 );
		break;
	case 'panics':
		http_response_code( 200 );
		header( 'grpc-status: 13' );
		header( 'grpc-message: thread panicked at /secret/path.rs' );
		break;
	case 'hangs-up':
		posix_kill( getmypid(), SIGKILL );
}
