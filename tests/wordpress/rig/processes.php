<?php
/**
 * Programs that the rig runs, and stops at its end.
 */

declare( strict_types = 1 );

/** A port that was free a moment ago. */
function free_port(): int {
	$server = stream_socket_server( 'tcp://127.0.0.1:0' );
	$name   = stream_socket_get_name( $server, false );
	fclose( $server );
	return (int) substr( strrchr( $name, ':' ), 1 );
}

/** Children of this process. Whatever happens to it, they are stopped when it ends. */
final class Processes {

	/** @var resource[] */
	private $children = array();

	/** @var string */
	private $folder;

	public function __construct( string $folder ) {
		$this->folder = $folder;
		pcntl_async_signals( true );
		foreach ( array( SIGTERM, SIGINT, SIGHUP ) as $signal ) {
			pcntl_signal(
				$signal,
				static function () {
					exit( 0 );
				}
			);
		}
		register_shutdown_function( array( $this, 'stop' ) );
	}

	/** Runs a program to its end; what it prints. */
	public function run( array $command ): string {
		$log   = tempnam( sys_get_temp_dir(), 'rig' );
		$child = proc_open( $command, array( array( 'file', '/dev/null', 'r' ), array( 'pipe', 'w' ), array( 'file', $log, 'w' ) ), $pipes );
		$text  = stream_get_contents( $pipes[1] );
		$code  = proc_close( $child );
		$said  = file_get_contents( $log );
		unlink( $log );
		if ( 0 !== $code ) {
			fwrite( STDERR, implode( ' ', $command ) . " ended with $code:\n$text$said\n" );
			exit( 1 );
		}
		return $text;
	}

	/** Starts a program that stays. */
	public function start( string $name, array $command ) {
		$log   = array( 'file', "$this->folder/$name.out", 'a' );
		$child = proc_open( $command, array( array( 'file', '/dev/null', 'r' ), $log, $log ), $pipes );
		if ( ! $child ) {
			fwrite( STDERR, "cannot start $name\n" );
			exit( 1 );
		}
		$this->children[ $name ] = $child;
	}

	/** Asks until there is an answer. */
	public function wait( string $what, callable $ask ) {
		$until = microtime( true ) + 60;
		while ( microtime( true ) < $until ) {
			$answer = $ask();
			if ( null !== $answer ) {
				return $answer;
			}
			foreach ( $this->children as $name => $child ) {
				if ( ! proc_get_status( $child )['running'] ) {
					fwrite( STDERR, "$name ended:\n" . file_get_contents( "$this->folder/$name.out" ) );
					exit( 1 );
				}
			}
			usleep( 50000 );
		}
		fwrite( STDERR, "$what did not come up within a minute\n" );
		exit( 1 );
	}

	/** Waits until somebody asks to end, or whoever started this is gone. */
	public function stay( array $leftovers ) {
		register_shutdown_function(
			static function () use ( $leftovers ) {
				array_map( static fn( $file ) => file_exists( $file ) && unlink( $file ), $leftovers );
			}
		);
		$parent = posix_getppid();
		while ( posix_getppid() === $parent ) {
			sleep( 1 );
		}
		exit( 0 );
	}

	/** Stops all, the newest first. */
	public function stop() {
		foreach ( array_reverse( $this->children ) as $child ) {
			proc_terminate( $child, SIGTERM );
		}
		$until = microtime( true ) + 10;
		foreach ( $this->children as $child ) {
			while ( proc_get_status( $child )['running'] && microtime( true ) < $until ) {
				usleep( 20000 );
			}
			if ( proc_get_status( $child )['running'] ) {
				proc_terminate( $child, SIGKILL );
			}
		}
		$this->children = array();
	}
}
