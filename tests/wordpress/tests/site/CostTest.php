<?php

/** What the plugin costs. Memory is judged; processor time, which other work on the machine disturbs, is printed. */
final class CostTest extends SiteCase {

	const ROUNDS = 40;

	/** Differences of a twentieth need more. */
	const PUBLISHING_ROUNDS = 200;

	/** As a site runs that people visit: without WP_DEBUG. */
	const QUIET = 'X-Test-Quiet: 1';

	private static function median( array $values ) {
		sort( $values );
		return $values[ intdiv( count( $values ), 2 ) ];
	}

	public function test_a_request_that_does_not_use_the_plugin_pays_little_for_it() {
		$measured = array();
		for ( $round = -4; $round < self::ROUNDS; $round++ ) {
			foreach ( array( 'with' => array( self::QUIET ), 'without' => array( self::QUIET, 'X-Test-Without: 1' ) ) as $which => $headers ) {
				$answer = $this->ask( 'GET', self::$site['url'] . '/wp-json/test/v1/other-7', null, null, $headers );
				self::assertSame( array( 'fine' => true ), $answer->json );
				if ( $round >= 0 ) {
					$measured[ $which ]['memory'][] = (int) $answer->headers['x-test-memory'];
					$measured[ $which ]['cpu'][]    = (int) $answer->headers['x-test-cpu'];
				}
			}
		}
		$memory = self::median( $measured['with']['memory'] ) - self::median( $measured['without']['memory'] );
		$cpu    = array( self::median( $measured['with']['cpu'] ), self::median( $measured['without']['cpu'] ) );
		fprintf( STDOUT, "\nanother route: %+d bytes of memory, %d us of CPU with the plugin, %d without\n", $memory, $cpu[0], $cpu[1] );
		self::assertLessThan( 200000, $memory );
	}

	public function test_publishing_costs_php_little_more_than_a_row_of_its_own() {
		$account = $this->account( 'anna', 'tiktok' );
		$here    = self::$site['url'] . '/wp-json/test/v1';
		$routes  = array( 'core' => '/schedule', 'row' => "$here/insert", 'original' => "$here/original", 'original-n8n' => "$here/original-n8n", 'request' => "$here/request" );
		$cpu     = array();
		for ( $round = -4; $round < self::PUBLISHING_ROUNDS; $round++ ) {
			$request = $this->publishing( 'anna', array( $account ), array( 'scheduled_at' => gmdate( 'c', time() + 86400 ) ) );
			foreach ( 0 === $round % 2 ? $routes : array_reverse( $routes ) as $which => $path ) {
				// Application passwords: WordPress itself checks them for all of them.
				$answer = $this->ask( 'POST', $path, 'Authorization: Basic ' . base64_encode( 'anna:' . self::$site['passwords']['anna'] ), $request, array( self::QUIET ) );
				self::assertTrue( $answer->json['success'], $answer->text );
				if ( $round >= 0 ) {
					$cpu[ $which ][] = (int) $answer->headers['x-test-cpu'];
				}
				if ( 'core' === $which ) {
					$this->ask( 'DELETE', '/posts/' . $answer->json['posts'][0]['id'] );
				}
			}
		}
		$medians = array_map( array( self::class, 'median' ), $cpu );
		foreach ( array( 'row' => 'a row of its own', 'original' => "the original's reads and its row", 'original-n8n' => "these and the original's call of n8n", 'request' => "nothing but WordPress' own HTTP request" ) as $which => $what ) {
			fprintf( STDOUT, "\npublishing: %d us of PHP's CPU, %s %d us: %+.1f %%\n", $medians['core'], $what, $medians[ $which ], 100 * ( $medians['core'] / $medians[ $which ] - 1 ) );
		}
		self::assertCount( self::PUBLISHING_ROUNDS, $cpu['core'] );
	}
}
