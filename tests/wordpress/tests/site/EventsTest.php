<?php

/** What happens at the core arrives as WordPress actions. */
final class EventsTest extends SiteCase {

	public function test_a_post_tells_its_whole_way() {
		AuraReels\Events::poll();
		$told   = array();
		$listen = static function ( $event ) use ( &$told ) {
			$told[] = array( current_action(), $event );
		};
		foreach ( array( 'aurareels_event', 'aurareels_post_created', 'aurareels_post_published' ) as $name ) {
			add_action( $name, $listen );
		}
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ) );
		$post    = $this->ask( 'POST', '/publish', 'anna', $request )->json['posts'][0]['id'];
		$this->until( $post, 'anna', 'published' );
		self::assertGreaterThan( 0, AuraReels\Events::poll() );
		$of    = array_values( array_filter( $told, static fn( $one ) => $one[1]['post_id'] === $post ) );
		$names = array_column( $of, 0 );
		self::assertSame( 'aurareels_event', $names[0] );
		self::assertSame( 1, count( array_keys( $names, 'aurareels_post_created', true ) ) );
		self::assertSame( 1, count( array_keys( $names, 'aurareels_post_published', true ) ) );
		$published = $of[ array_search( 'aurareels_post_published', $names, true ) ][1];
		self::assertSame( array( self::$site['users']['anna'], 'published', $request['caption'] ), array( $published['user_id'], $published['status'], $published['post']['caption'] ) );
		$sequences = array_column( array_column( array_filter( $told, static fn( $one ) => 'aurareels_event' === $one[0] ), 1 ), 'sequence' );
		$sorted    = $sequences;
		sort( $sorted );
		self::assertSame( $sorted, $sequences );
		self::assertSame( array_unique( $sequences ), $sequences );
		self::assertSame( 0, AuraReels\Events::poll(), 'each is told once' );
		foreach ( array( 'aurareels_event', 'aurareels_post_created', 'aurareels_post_published' ) as $name ) {
			remove_action( $name, $listen );
		}
	}
}
