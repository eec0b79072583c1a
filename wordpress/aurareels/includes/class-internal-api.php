<?php
/**
 * The routes that the original's n8n workflows call.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Publishes a scheduled post when its workflow says that it is time.
 *
 * Guaranteed: the original's request carries the post alone, so a workflow that still waits for the time before a reschedule
 * looks the same as the right one. Without `scheduled_at` only a post that is due is begun; with it, only a post that still has
 * that time. Whatever is not done is answered with 200 and what is true.
 */
final class Internal_Api {

	/**
	 * How early a workflow may come, seconds: its clock may be ahead, and the core keeps the post's own time for a minute.
	 */
	const EARLY = 30;

	/**
	 * POST internal/publish-scheduled and POST internal/publish.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function publish( \WP_REST_Request $request ) {
		$client = Client::of_site();
		$id     = (int) $request['post_id'];
		$given  = (string) $request['scheduled_at'];
		if ( '' !== $given ) {
			$expected = self::instant( $given );
			if ( null === $expected ) {
				return new \WP_Error(
					'aurareels_invalid_field',
					__( 'scheduled_at must be a time such as 2026-12-25T18:00:00Z.', 'aurareels' ),
					array(
						'status' => 400,
						'field'  => 'scheduled_at',
					)
				);
			}
		} else {
			$post   = $client->call( 'PostService/GetPost', array( 'id' => $id ) );
			$status = Shapes::status( $post['status'] );
			if ( 'scheduled' !== $status ) {
				// A draft has no time that could have come; everything else is at rest or on its way already.
				return self::answer( $post, "Post $id is $status; nothing was done" );
			}
			if ( null === $post['scheduled_at'] || $post['scheduled_at']['seconds'] > time() + self::EARLY ) {
				return self::answer( $post, "Post $id is not due yet; nothing was done" );
			}
			$expected = $post['scheduled_at'];
		}
		$answer = $client->call(
			'PostService/PublishPostNow',
			array(
				'id'                    => $id,
				'expected_scheduled_at' => $expected,
			)
		);
		return self::answer( $answer['post'], $answer['message'] );
	}

	/**
	 * What is true of a post. `success` is false for a post that has failed: no workflow may tell of it as done.
	 *
	 * @param array  $post    The core's Post.
	 * @param string $message A sentence.
	 * @return \WP_REST_Response
	 */
	private static function answer( array $post, $message ) {
		$shape = Shapes::post( $post, false );
		$data  = array(
			'success' => 'failed' !== $shape['status'],
			'message' => $message,
			'post_id' => $shape['id'],
			'post'    => $shape,
		);
		if ( 'failed' === $shape['status'] ) {
			$data['error'] = (string) $shape['error_message'];
		}
		return new \WP_REST_Response( $data, 200 );
	}

	/**
	 * A time as google.protobuf.Timestamp. Without zone it is UTC, as everywhere in the contract.
	 *
	 * @param string $text The text.
	 * @return array|null
	 */
	public static function instant( $text ) {
		if ( ! preg_match( '/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?$/i', $text ) ) {
			return null;
		}
		try {
			$at = new \DateTimeImmutable( $text, new \DateTimeZone( 'UTC' ) );
		} catch ( \Exception $error ) {
			return null;
		}
		return array(
			'seconds' => $at->getTimestamp(),
			'nanos'   => (int) $at->format( 'u' ) * 1000,
		);
	}
}
