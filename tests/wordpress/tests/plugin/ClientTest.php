<?php

use AuraReels\Client;
use AuraReels\Core_Error;
use AuraReels\Permissions;
use AuraReels\Rpc_Details;

final class ClientTest extends PluginCase {

	private function call( $rpc = 'PostService/GetPost', array $request = array( 'id' => 5 ) ) {
		return Client::of_user( 2, Permissions::VIEW )->call( $rpc, $request );
	}

	public function test_a_request_is_grpc_web_and_goes_to_the_core_alone() {
		$this->core_answers( self::message( 'Post', array( 'id' => 5 ) ) );
		$this->assertSame( 5, $this->call()['id'] );
		$sent = $this->sent[0];
		$this->assertSame( getenv( 'AURAREELS_ADDRESS' ) . '/aurareels.v1.PostService/GetPost', $sent['url'] );
		$this->assertSame( "\0\0\0\0\x02\x08\x05", $sent['body'] );
		$this->assertSame( array( 'POST', '1.1', 0, true ), array( $sent['method'], $sent['httpversion'], $sent['redirection'], $sent['sslverify'] ) );
		$this->assertSame( 'application/grpc-web+proto', $sent['headers']['Content-Type'] );
		$this->assertSame( $sent['headers']['Content-Type'], $sent['headers']['Accept'] );
		$this->assertSame( '15000m', $sent['headers']['Grpc-Timeout'] );
		$this->assertSame( 16, $sent['timeout'] );
	}

	public function answers_with_a_status() {
		$details = array( 'grpc-status-details-bin' => 'CAUSBGdvbmU' );
		return array(
			'in the headers'              => array( self::http( '', array( 'grpc-status' => '5', 'grpc-message' => 'post%205%20is%20gone' ) ) ),
			'with details without padding' => array( self::http( '', array( 'grpc-status' => '5', 'grpc-message' => 'post%205%20is%20gone' ) + $details ) ),
			'in the trailers'             => array( self::http( self::frame( 0x80, "grpc-status:5\r\ngrpc-message:post%205%20is%20gone\r\n" ) ) ),
			'in trailers with spaces'     => array( self::http( self::frame( 0x80, "Grpc-Status: 5\r\nGRPC-MESSAGE: post%205%20is%20gone" ) ) ),
			'after a message'             => array( self::http( self::frame( 0, "\x08\x05" ) . self::frame( 0x80, "grpc-status:5\r\ngrpc-message:post%205%20is%20gone" ) ) ),
			'twice in the headers'        => array( self::http( '', array( 'grpc-status' => array( '5', '5' ), 'grpc-message' => 'post%205%20is%20gone' ) ) ),
		);
	}

	/** @dataProvider answers_with_a_status */
	public function test_a_status_is_found_wherever_it_stands( $answer ) {
		$this->core_answers( $answer );
		$error = $this->refused( fn() => $this->call() );
		$this->assertSame( array( Core_Error::NOT_FOUND, 'post 5 is gone', '' ), array( $error->getCode(), $error->getMessage(), $error->trouble() ) );
	}

	public function test_messages_keep_plus_signs_and_line_breaks() {
		$this->core_answers( self::http( '', array( 'grpc-status' => '3', 'grpc-message' => '1%2B1 + 100%25%0A%C3%BC' ) ) );
		$this->assertSame( "1+1 + 100%\nü", $this->refused( fn() => $this->call() )->getMessage() );
	}

	public function broken_answers() {
		$good = self::frame( 0, "\x08\x05" );
		$end  = self::frame( 0x80, "grpc-status:0\r\n" );
		return array(
			'nothing'                     => array( self::http( '' ) ),
			'a message without a status'  => array( self::http( $good ) ),
			'a status without a message'  => array( self::http( $end ) ),
			'two messages'                => array( self::http( $good . $good . $end ) ),
			'a frame that is cut short'   => array( self::http( substr( $good . $end, 0, -3 ) ) ),
			'a head that is cut short'    => array( self::http( $good . "\x80\0\0" ) ),
			'a length beyond the end'     => array( self::http( "\0\xff\xff\xff\xffabc" ) ),
			'something after the trailers' => array( self::http( $good . $end . $good ) ),
			'a compressed frame'          => array( self::http( self::frame( 1, "\x08\x05" ) . $end ) ),
			'a status that is no number'  => array( self::http( $good . self::frame( 0x80, "grpc-status:ok\r\n" ) ) ),
			'no message of the RPC'       => array( self::http( self::frame( 0, "\xff\xff\xff" ) . $end ) ),
		);
	}

	/** @dataProvider broken_answers */
	public function test_an_answer_that_is_not_whole_is_an_error( $answer ) {
		$this->core_answers( $answer );
		$error = $this->refused( fn() => $this->call() );
		$this->assertSame( array( 'protocol', 502 ), array( $error->trouble(), $error->http_status() ) );
		$this->assertCount( 1, $this->sent, 'it is not sent again' );
	}

	public function foreign_answers() {
		return array(
			array( 200, 'text/html; charset=utf-8', 502 ),
			array( 301, 'text/html', 502 ),
			array( 400, 'text/plain', 502 ),
			array( 401, 'text/html', 502 ),
			array( 403, 'text/html', 403 ),
			array( 404, 'text/html', 501 ),
			array( 429, 'text/html', 503 ),
			array( 500, 'text/html', 502 ),
			array( 502, 'text/html', 503 ),
			array( 503, 'application/json', 503 ),
			array( 504, '', 503 ),
		);
	}

	/** @dataProvider foreign_answers */
	public function test_a_proxys_page_is_no_answer_of_the_core( $code, $type, $http ) {
		$this->core_answers( self::http( '<html>grpc-status:0</html>', array(), $code, $type ) );
		$error = $this->refused( fn() => $this->call( 'PostService/CancelPost' ) );
		$this->assertSame( array( 'http', $http ), array( $error->trouble(), $error->http_status() ) );
		$this->assertStringNotContainsString( '<html>', $error->getMessage() );
		$this->assertStringNotContainsString( '<html>', $error->to_wp_error()->get_error_message() );
	}

	public function test_a_redirect_is_told_and_not_followed() {
		$this->core_answers( self::http( '', array( 'location' => "https://core.example.org/aurareels\x01?token=t" ), 301, 'text/html' ) );
		$error = $this->refused( fn() => $this->call( 'PostService/CancelPost' ) );
		$this->assertStringEndsWith( 'redirects to https://core.example.org/aurareels', $error->getMessage() );
		$this->assertStringNotContainsString( 'example.org', $error->to_wp_error()->get_error_message(), 'no visitor needs to know it' );
	}

	public function test_a_proxy_that_lets_no_large_request_through_is_not_asked_again() {
		$this->core_answers( self::http( '<html>', array(), 413, 'text/html' ) );
		$error = $this->refused( fn() => $this->call() );
		$this->assertSame( array( 413, 'REQUEST_TOO_LARGE' ), array( $error->http_status(), $error->reason() ) );
		$this->assertStringContainsString( 'size', $error->to_wp_error()->get_error_message() );
		$this->assertCount( 1, $this->sent );
	}

	public function troubles() {
		return array(
			array( 'cURL error 6: Could not resolve host: core.invalid', 'dns', 503 ),
			array( 'cURL error 7: Failed to connect to 127.0.0.1 port 1', 'refused', 503 ),
			array( 'cURL error 28: Operation timed out after 16001 milliseconds', 'timeout', 504 ),
			array( 'cURL error 60: SSL certificate problem: self signed certificate', 'tls', 503 ),
			array( 'cURL error 35: error:0A00010B:SSL routines::wrong version number', 'tls', 503 ),
			array( 'cURL error 52: Empty reply from server', 'other', 503 ),
			array( 'fsocket timed out', 'timeout', 504 ),
			array( 'Connection refused', 'refused', 503 ),
			array( 'php_network_getaddresses: getaddrinfo for core.invalid failed', 'dns', 503 ),
		);
	}

	/** @dataProvider troubles */
	public function test_a_core_that_is_not_reached_says_why( $text, $trouble, $http ) {
		$this->core_answers( new WP_Error( 'http_request_failed', $text ) );
		$error = $this->refused( fn() => $this->call( 'PostService/CancelPost' ) );
		$this->assertSame( array( $trouble, $http ), array( $error->trouble(), $error->http_status() ) );
		$this->assertStringNotContainsString( '127.0.0.1', $error->to_wp_error()->get_error_message(), 'users are not told where the core is' );
		wp_set_current_user( 1 );
		$this->assertStringContainsString( $text, $error->to_wp_error()->get_error_message(), 'managers are' );
	}

	public function test_a_site_that_blocks_requests_is_told_what_to_do() {
		$this->core_answers( new WP_Error( 'http_request_not_executed', 'User has blocked requests through HTTP.' ) );
		$error = $this->refused( fn() => $this->call() );
		$this->assertSame( 'blocked', $error->trouble() );
		$this->assertStringContainsString( 'WP_ACCESSIBLE_HOSTS', $error->getMessage() );
		$this->assertCount( 1, $this->sent );
	}

	public function test_only_what_is_harmless_is_sent_again_and_only_once() {
		$away = new WP_Error( 'http_request_failed', 'cURL error 7: Failed to connect' );
		$this->core_answers( $away );
		foreach ( array( 'PostService/PublishPosts' => 2, 'PostService/SchedulePosts' => 2, 'PostService/GetPost' => 2, 'AccountService/ListAccounts' => 2, 'PostService/CancelPost' => 1, 'PostService/RetryPost' => 1, 'AccountService/ConnectAccount' => 1, 'AccountService/RefreshToken' => 1, 'PostService/PublishPostNow' => 1, 'PostService/ReschedulePost' => 1 ) as $rpc => $times ) {
			$this->sent = array();
			$this->refused( fn() => $this->call( $rpc, array() ) );
			$this->assertCount( $times, $this->sent, $rpc );
		}
		remove_all_filters( 'pre_http_request' );
		$this->sent = array();
		$this->core_answers( new WP_Error( 'http_request_failed', 'cURL error 28: timed out' ) );
		$this->refused( fn() => $this->call( 'PostService/PublishPosts', array() ) );
		$this->assertCount( 1, $this->sent, 'after a timeout it may be done already' );
		remove_all_filters( 'pre_http_request' );
		$this->sent = array();
		$this->core_answers( $away, self::message( 'Post', array( 'id' => 5 ) ) );
		$this->assertSame( 5, $this->call()['id'], 'the second try counts' );
	}

	public function statuses() {
		return array( array( 1, 499 ), array( 2, 502 ), array( 3, 400 ), array( 4, 504 ), array( 5, 404 ), array( 6, 409 ), array( 7, 403 ), array( 8, 429 ), array( 9, 409 ), array( 10, 409 ), array( 11, 400 ), array( 12, 501 ), array( 13, 502 ), array( 14, 503 ), array( 15, 502 ), array( 16, 502 ), array( 99, 502 ) );
	}

	/** @dataProvider statuses */
	public function test_statuses_become_http_statuses( $code, $http ) {
		$error = ( new Core_Error( $code, 'why' ) )->to_wp_error();
		$this->assertSame( $http, $error->get_error_data()['status'] );
	}

	public function test_special_texts_have_their_own_status() {
		$this->assertSame( 504, ( new Core_Error( 1, 'Timeout expired' ) )->http_status() );
		$this->assertSame( 413, ( new Core_Error( 11, 'Error, decoded message length too large' ) )->http_status() );
		$this->assertSame( 413, ( new Core_Error( 3, 'x', array( 'reason' => 'REQUEST_TOO_LARGE' ) ) )->http_status() );
	}

	public function test_what_is_the_sites_own_trouble_is_told_to_its_managers_alone() {
		foreach ( array( 13, 16 ) as $code ) {
			$error = new Core_Error( $code, 'the secret of the machine room', array( 'reason' => 'INTERNAL' ) );
			wp_set_current_user( 2 );
			$this->assertStringNotContainsString( 'machine room', $error->to_wp_error()->get_error_message() );
			wp_set_current_user( 1 );
			$this->assertStringContainsString( 'machine room', $error->to_wp_error()->get_error_message() );
		}
	}

	public function test_details_of_prost_are_read() {
		$vectors = json_decode( file_get_contents( __DIR__ . '/../../testdata/vectors.json' ), true );
		$status  = hex2bin( end( $vectors )['hex'] );
		foreach ( array( base64_encode( $status ), rtrim( base64_encode( $status ), '=' ) ) as $header ) {
			$read = Rpc_Details::read( $header );
			$this->assertSame( 'CAPTION_TOO_LONG', $read['reason'] );
			$this->assertSame( array( 'limit' => '2200 UTF-16 units' ), $read['metadata'] );
			$this->assertSame( array( array( 'field' => 'content.caption', 'message' => 'too long', 'rule' => '' ) ), $read['fields'] );
			$this->assertSame( 2, $read['retry_after'], 'a second and a half is two' );
		}
		$this->assertSame( '', Rpc_Details::read( 'no details at all' )['reason'] );
	}

	public function test_without_an_address_nothing_is_sent() {
		update_option( 'aurareels_settings', array( 'core_url' => '' ) );
		$this->core_answers( self::message( 'Post' ) );
		$this->assertSame( 'setup', $this->refused( fn() => $this->call() )->trouble() );
		$this->assertCount( 0, $this->sent );
	}
}
