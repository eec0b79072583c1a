<?php
/**
 * Routes about posts that are there.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Lists, shows and moves the posts of the user who asks.
 */
final class Posts_Api {

	/**
	 * GET posts.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function list_all( \WP_REST_Request $request ) {
		$codec  = Codec::get();
		$status = $codec->number( 'PostStatus', (string) $request['status'] );
		$answer = Permissions::client( $request, Permissions::VIEW )->call(
			'PostService/ListPosts',
			array(
				'statuses'      => null === $status ? array() : array( $status ),
				'platform'      => (int) $codec->number( 'Platform', (string) $request['platform'] ),
				'account_id'    => (int) $request['account_id'],
				'video_job_id'  => (string) $request['video_job_id'],
				'page_size'     => (int) $request['limit'],
				'skip'          => (int) $request['offset'],
				'include_total' => true,
			)
		);
		$posts = array();
		foreach ( $answer['posts'] as $post ) {
			$posts[] = Shapes::listed( $post, (bool) $request['extended'] );
		}
		return Routes::success(
			array(
				'total' => (int) $answer['total'],
				'posts' => $posts,
			)
		);
	}

	/**
	 * GET posts/{id}. The original's publisher workflow reads `account` and `social_account_id` at the top of the answer, so n8n
	 * finds them there too.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function get( \WP_REST_Request $request ) {
		$post = self::ask( $request, Permissions::VIEW, 'PostService/GetPost' );
		$data = array( 'post' => Shapes::post( $post, (bool) $request['extended'] ) );
		if ( Permissions::is_n8n( $request ) ) {
			$data['post_id']           = $post['id'];
			$data['social_account_id'] = $post['social_account_id'];
			$data['account']           = $data['post']['account'] + array(
				'token_expires_at' => null === $post['account'] ? null : Shapes::time( $post['account']['token_expires_at'] ),
			);
		}
		return Routes::success( $data );
	}

	/**
	 * PATCH posts/{id}: a workflow reports a status. The core alone writes statuses; the answer is what is true.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function report( \WP_REST_Request $request ) {
		$post = self::ask( $request, Permissions::VIEW, 'PostService/GetPost' );
		return Routes::success(
			array(
				'message' => 'Nothing was changed: the core keeps the status of posts by itself',
				'post'    => Shapes::post( $post, false ),
			)
		);
	}

	/**
	 * DELETE posts/{id}: cancels a scheduled post, deletes a draft.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function cancel( \WP_REST_Request $request ) {
		try {
			self::ask( $request, Permissions::PUBLISH, 'PostService/DeleteDraft' );
			return Routes::success( array( 'message' => 'Post deleted successfully' ) );
		} catch ( Core_Error $error ) {
			if ( 'STATUS_FORBIDS' !== $error->reason() ) {
				throw $error;
			}
		}
		self::ask( $request, Permissions::PUBLISH, 'PostService/CancelPost' );
		return Routes::success( array( 'message' => 'Post cancelled successfully' ) );
	}

	/**
	 * PATCH posts/{id}/reschedule.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function reschedule( \WP_REST_Request $request ) {
		$post = self::ask( $request, Permissions::PUBLISH, 'PostService/ReschedulePost', array( 'scheduled_at' => Publish_Api::time( $request ) ) );
		return Routes::success(
			array(
				'message' => 'Post rescheduled successfully',
				'post'    => array(
					'id'           => $post['id'],
					'scheduled_at' => Shapes::time( $post['scheduled_at'] ),
				),
			)
		);
	}

	/**
	 * POST posts/{id}/retry.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function retry( \WP_REST_Request $request ) {
		$post = self::ask( $request, Permissions::PUBLISH, 'PostService/RetryPost' );
		return Routes::success(
			array(
				'message' => 'Retrying publication',
				'post'    => array(
					'id'          => $post['id'],
					'status'      => Shapes::status( $post['status'] ),
					'retry_count' => $post['retry_count'],
				),
			)
		);
	}

	/**
	 * POST posts/{id}/reconcile: looks again at the platform.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function reconcile( \WP_REST_Request $request ) {
		$post = self::ask( $request, Permissions::PUBLISH, 'PostService/ReconcilePost' );
		return Routes::success( array( 'post' => Shapes::post( $post, false ) ) );
	}

	/**
	 * POST posts/{id}/resolve: a person says what is on the platform.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function resolve( \WP_REST_Request $request ) {
		$word = array(
			'resolution'        => Codec::get()->number( 'Resolution', $request['resolution'] ),
			'platform_post_id'  => (string) $request['platform_post_id'],
			'platform_post_url' => (string) $request['platform_post_url'],
			'note'              => (string) $request['note'],
		);
		$post = self::ask( $request, Permissions::PUBLISH, 'PostService/ResolvePost', $word );
		return Routes::success( array( 'post' => Shapes::post( $post, false ) ) );
	}

	private static function ask( \WP_REST_Request $request, $capability, $rpc, array $further = array() ) {
		$id = array( 'id' => (int) $request->get_url_params()['id'] );
		return Permissions::client( $request, $capability )->call( $rpc, $id + $further );
	}
}
