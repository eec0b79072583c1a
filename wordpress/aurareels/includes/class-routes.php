<?php
/**
 * The REST routes.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Registers `/wp-json/aurareels/v1/social/*` and gives every answer of these routes its common form: `success`, no caching,
 * `Retry-After` where a time is known.
 */
final class Routes {

	const NAMESPACE_V1 = 'aurareels/v1';

	/**
	 * Registers everything; on `rest_api_init`.
	 */
	public static function register() {
		// A site of a network whose administration nobody has opened yet, or one whose files were just replaced.
		if ( AURAREELS_VERSION !== get_option( 'aurareels_version' ) ) {
			Installer::set_up();
		}
		$view    = Permissions::user( Permissions::VIEW );
		$publish = Permissions::user( Permissions::PUBLISH );
		$id      = array( 'id' => Route_Args::id() );
		$full    = array( 'extended' => Route_Args::flag() );
		$content = Route_Args::publish();
		$time    = Route_Args::time( true );

		self::route( 'accounts', 'GET', array( Accounts_Api::class, 'list_all' ), $view, Route_Args::accounts() + $full );
		self::route( 'accounts/connect/(?P<platform>[\w-]+)', 'POST', array( Accounts_Api::class, 'connect' ), $publish, Route_Args::connect() );
		self::route( 'accounts/(?P<id>\d+)', 'DELETE', array( Accounts_Api::class, 'disconnect' ), $publish, $id );
		self::route( 'accounts/(?P<id>\d+)/refresh', 'POST', array( Accounts_Api::class, 'refresh' ), Permissions::user_or_n8n( Permissions::PUBLISH ), $id );
		self::route( 'accounts/(?P<id>\d+)/quota', 'GET', array( Accounts_Api::class, 'quota' ), $view, $id );
		self::route( 'accounts/(?P<id>\d+)/publish-options', 'GET', array( Accounts_Api::class, 'publish_options' ), $view, $id );
		self::route( 'callback/(?P<platform>[\w-]+)', 'GET', array( Accounts_Api::class, 'callback' ), '__return_true', array( 'platform' => Route_Args::platform() ) );

		self::route( 'publish', 'POST', array( Publish_Api::class, 'publish' ), $publish, $content );
		self::route( 'schedule', 'POST', array( Publish_Api::class, 'schedule' ), $publish, $content + $time );
		self::route( 'validate', 'POST', array( Publish_Api::class, 'validate' ), $view, $content + Route_Args::time( false ) );
		self::route( 'video-jobs/(?P<video_job_id>[^/]+)', 'GET', array( Publish_Api::class, 'video_job' ), $view, array() );

		self::route( 'posts', 'GET', array( Posts_Api::class, 'list_all' ), $view, Route_Args::posts() + $full );
		self::route( 'posts/(?P<id>\d+)', 'GET', array( Posts_Api::class, 'get' ), Permissions::user_or_n8n( Permissions::VIEW ), $id + $full );
		self::route( 'posts/(?P<id>\d+)', 'DELETE', array( Posts_Api::class, 'cancel' ), $publish, $id );
		self::route( 'posts/(?P<id>\d+)', 'PATCH', array( Posts_Api::class, 'report' ), Permissions::user_or_n8n( Permissions::VIEW ), $id );
		self::route( 'posts/(?P<id>\d+)/reschedule', 'PATCH', array( Posts_Api::class, 'reschedule' ), $publish, $id + $time );
		self::route( 'posts/(?P<id>\d+)/retry', 'POST', array( Posts_Api::class, 'retry' ), $publish, $id );
		self::route( 'posts/(?P<id>\d+)/reconcile', 'POST', array( Posts_Api::class, 'reconcile' ), $publish, $id );
		self::route( 'posts/(?P<id>\d+)/resolve', 'POST', array( Posts_Api::class, 'resolve' ), $publish, $id + Route_Args::resolve() );

		self::route( 'webhook', 'POST', array( Webhook::class, 'receive' ), array( Webhook::class, 'is_signed' ), array() );

		self::route( 'dashboard/token', 'POST', array( Dashboard::class, 'token' ), array( Dashboard::class, 'may_have_token' ), array() );

		self::route( 'media-requirements', 'GET', array( Publish_Api::class, 'all_requirements' ), $view, array() );
		self::route( 'media-requirements/(?P<platform>[\w-]+)', 'GET', array( Publish_Api::class, 'requirements' ), $view, array( 'platform' => Route_Args::platform() ) );

		$internal = array( Internal_Api::class, 'publish' );
		self::route( 'internal/publish-scheduled', 'POST', $internal, array( Permissions::class, 'n8n' ), Route_Args::internal() );
		self::route( 'internal/publish', 'POST', $internal, array( Permissions::class, 'n8n' ), Route_Args::internal() );

		add_filter( 'rest_request_after_callbacks', array( self::class, 'shape_errors' ), 20, 3 );
		add_filter( 'rest_pre_dispatch', array( self::class, 'let_n8n_pass' ), 20, 3 );
		add_filter( 'rest_post_dispatch', array( self::class, 'finish' ), 20, 3 );
	}

	/**
	 * Registers one route.
	 *
	 * @param string   $path       Path behind `/social/`.
	 * @param string   $method     HTTP method.
	 * @param callable $callback   What answers.
	 * @param callable $permission Who may.
	 * @param array    $args       Parameters.
	 */
	private static function route( $path, $method, $callback, $permission, array $args ) {
		register_rest_route(
			self::NAMESPACE_V1,
			"/social/$path",
			array(
				'methods'             => $method,
				'permission_callback' => $permission,
				'args'                => $args,
				'callback'            => static function ( \WP_REST_Request $request ) use ( $callback ) {
					try {
						return call_user_func( $callback, $request );
					} catch ( Core_Error $error ) {
						return $error->to_wp_error();
					}
				},
			)
		);
	}

	/**
	 * Whether a request goes to these routes.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return bool
	 */
	private static function is_ours( \WP_REST_Request $request ) {
		return 0 === strpos( $request->get_route(), '/' . self::NAMESPACE_V1 . '/social/' );
	}

	/**
	 * Errors with `success`, as clients of the original read it.
	 *
	 * @param mixed            $response What the callback or a check answered.
	 * @param array            $handler  The route.
	 * @param \WP_REST_Request $request  The request.
	 * @return mixed
	 */
	public static function shape_errors( $response, $handler, $request ) {
		return is_wp_error( $response ) && self::is_ours( $request ) ? self::with_success( rest_convert_error_to_response( $response ) ) : $response;
	}

	private static function with_success( \WP_REST_Response $response ) {
		$data = $response->get_data();
		if ( is_array( $data ) && ! isset( $data['success'] ) && $response->get_status() >= 400 ) {
			$response->set_data( array( 'success' => false ) + $data );
		}
		if ( isset( $data['data']['retry_after'] ) ) {
			$response->header( 'Retry-After', (string) $data['data']['retry_after'] );
		}
		return $response;
	}

	/**
	 * The JWT plugin refuses every bearer token that is no JWT, before any route is asked. n8n's key is one of ours.
	 *
	 * @param mixed            $result  An answer that stands already.
	 * @param \WP_REST_Server  $server  The server.
	 * @param \WP_REST_Request $request The request.
	 * @return mixed
	 */
	public static function let_n8n_pass( $result, $server, $request ) {
		$refused = is_wp_error( $result ) && 0 === strpos( (string) $result->get_error_code(), 'jwt_auth' );
		return $refused && self::is_ours( $request ) && Permissions::is_n8n( $request ) ? null : $result;
	}

	/**
	 * Nothing of these routes may be kept by a cache.
	 *
	 * @param \WP_HTTP_Response $response The answer.
	 * @param \WP_REST_Server   $server   The server.
	 * @param \WP_REST_Request  $request  The request.
	 * @return \WP_HTTP_Response
	 */
	public static function finish( $response, $server, $request ) {
		if ( ! self::is_ours( $request ) || ! $response instanceof \WP_REST_Response ) {
			return $response;
		}
		if ( ! defined( 'DONOTCACHEPAGE' ) ) {
			define( 'DONOTCACHEPAGE', true );
		}
		$response->header( 'Cache-Control', 'no-store, private' );
		// WordPress sends its own after it, where somebody is logged in.
		add_filter(
			'nocache_headers',
			static function ( $headers ) {
				return array( 'Cache-Control' => 'no-store, private' ) + $headers;
			}
		);
		return self::with_success( $response );
	}

	/**
	 * An answer with `success`.
	 *
	 * @param array $data The rest of it.
	 * @return \WP_REST_Response
	 */
	public static function success( array $data ) {
		return new \WP_REST_Response( array( 'success' => true ) + $data, 200 );
	}
}
