<?php
/**
 * The dashboard inside wp-admin.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * The menu page that runs the core's dashboard, and the tokens by which that page calls the core.
 *
 * The page is the same build that the core serves; `cargo xtask wordpress` packs it into the folder `dashboard/` of the plugin. It
 * speaks to the core itself, from the browser, so the core has to be reachable from there and to allow the site's origin.
 *
 * Guaranteed: a token is minted only for a person who is logged in here, by a page of this site (the REST nonce), and who may
 * publish; it lives for {@see Dashboard::TOKEN_LIFE} seconds, is for that user alone, and cannot administer. What the page is
 * given is no secret.
 */
final class Dashboard {

	const PAGE = 'aurareels-dashboard';

	/**
	 * Seconds that a token of the page lives.
	 */
	const TOKEN_LIFE = 300;

	/**
	 * Where the built page is in the plugin.
	 */
	const FOLDER = 'dashboard';

	/**
	 * Adds the page; on `admin_menu`.
	 */
	public static function add() {
		$hook = add_menu_page( 'AuraReels', 'AuraReels', Permissions::PUBLISH, self::PAGE, array( self::class, 'show' ), 'dashicons-video-alt3', 26 );
		if ( $hook ) {
			add_action( "admin_print_styles-$hook", array( self::class, 'leave_fields_alone' ) );
			add_action( "admin_print_scripts-$hook", array( self::class, 'enqueue' ) );
		}
	}

	/**
	 * The page's address.
	 *
	 * @return string
	 */
	public static function address() {
		return admin_url( 'admin.php?page=' . self::PAGE );
	}

	/**
	 * The origins from which browsers call the core: that of wp-admin, and that of the site where it is another one.
	 *
	 * @return string[]
	 */
	public static function origins() {
		$origins = array();
		foreach ( array( admin_url(), home_url() ) as $address ) {
			$parts = wp_parse_url( $address );
			if ( is_array( $parts ) && ! empty( $parts['scheme'] ) && ! empty( $parts['host'] ) ) {
				$origins[] = strtolower( $parts['scheme'] . '://' . $parts['host'] ) . ( empty( $parts['port'] ) ? '' : ':' . $parts['port'] );
			}
		}
		return array_values( array_unique( $origins ) );
	}

	/**
	 * The script with which the page begins, as a path in the plugin; null when the plugin was packed without the page.
	 *
	 * @return string|null
	 */
	public static function entry() {
		$file     = plugin_dir_path( AURAREELS_FILE ) . self::FOLDER . '/manifest.json';
		$manifest = is_readable( $file ) ? wp_json_file_decode( $file, array( 'associative' => true ) ) : null;
		$script   = isset( $manifest['index.html']['file'] ) ? (string) $manifest['index.html']['file'] : '';
		return preg_match( '#^assets/[\w.-]+\.js$#', $script ) ? self::FOLDER . '/' . $script : null;
	}

	/**
	 * Takes wp-admin's styles of form fields off the page: they win over the dashboard's own, and drew a second frame and a
	 * second arrow into its fields.
	 */
	public static function leave_fields_alone() {
		$styles = wp_styles()->registered;
		if ( isset( $styles['wp-admin'] ) ) {
			$styles['wp-admin']->deps = array_values( array_diff( $styles['wp-admin']->deps, array( 'forms' ) ) );
		}
	}

	/**
	 * Adds the scripts of the page.
	 */
	public static function enqueue() {
		$entry = self::entry();
		if ( null === $entry || '' === Settings::core_public_url() ) {
			return;
		}
		wp_enqueue_script( 'aurareels-reach', plugins_url( 'assets/reach.js', AURAREELS_FILE ), array(), AURAREELS_VERSION, true );
		// The file's name changes with its content. phpcs:ignore WordPress.WP.EnqueuedResourceParameters.
		wp_enqueue_script( 'aurareels-dashboard', plugins_url( $entry, AURAREELS_FILE ), array( 'aurareels-reach' ), null, true );
		wp_add_inline_script( 'aurareels-reach', 'window.aurareelsDashboard = ' . wp_json_encode( self::page() ) . ';', 'before' );
		add_filter( 'script_loader_tag', array( self::class, 'as_module' ), 10, 2 );
	}

	/**
	 * The build consists of modules, which WordPress before 6.5 has no function for.
	 *
	 * @param string $tag    The tag.
	 * @param string $handle The script's name.
	 * @return string
	 */
	public static function as_module( $tag, $handle ) {
		if ( 'aurareels-dashboard' !== $handle ) {
			return $tag;
		}
		$tag = preg_replace( '#\stype=([\'"])text/javascript\1#', '', $tag );
		return str_replace( '<script ', '<script type="module" ', $tag );
	}

	/**
	 * What the page is told.
	 *
	 * @return array
	 */
	private static function page() {
		$page = array(
			'coreUrl'  => Settings::core_public_url(),
			'tokenUrl' => rest_url( Routes::NAMESPACE_V1 . '/social/dashboard/token' ),
			'nonce'    => wp_create_nonce( 'wp_rest' ),
			'locale'   => get_user_locale(),
			'basePath' => self::address(),
		);
		// phpcs:ignore WordPress.Security.NonceVerification -- chooses what a form begins with.
		$job_id = isset( $_GET['video_job_id'] ) ? sanitize_text_field( wp_unslash( $_GET['video_job_id'] ) ) : '';
		$job    = '' !== $job_id ? Video_Jobs::find( $job_id, get_current_user_id() ) : null;
		if ( is_array( $job ) ) {
			$page['prefill'] = array(
				'videoJobId' => $job['job_id'],
				'videoUrl'   => $job['video_url'],
				'caption'    => $job['ai_metadata']['description'],
				// The form writes the sign itself.
				'hashtags'   => array_map(
					static function ( $tag ) {
						return ltrim( $tag, '#' );
					},
					$job['ai_metadata']['hashtags']
				),
			);
		}
		return $page;
	}

	/**
	 * Prints the page.
	 */
	public static function show() {
		if ( ! current_user_can( Permissions::PUBLISH ) ) {
			return;
		}
		echo '<div class="wrap"><h1 class="screen-reader-text">AuraReels</h1>';
		if ( '' === Settings::core_public_url() ) {
			self::notice( __( 'The address of the core is not set, or is not an http or https address.', 'aurareels' ), __( 'Enter it under Settings > AuraReels.', 'aurareels' ), false );
		} elseif ( null === self::entry() ) {
			self::notice( __( 'This copy of the plugin was packed without the dashboard.', 'aurareels' ), __( 'Install the plugin from the zip that `cargo xtask wordpress` makes.', 'aurareels' ), false );
		} else {
			self::show_what_may_be_wrong();
			echo '<noscript>' . esc_html__( 'AuraReels needs JavaScript.', 'aurareels' ) . '</noscript>';
			echo '<div id="aurareels-dashboard"></div>';
		}
		echo '</div>';
	}

	/**
	 * What `assets/reach.js` shows when the browser cannot use the core.
	 */
	private static function show_what_may_be_wrong() {
		$core = Settings::core_public_url();
		self::notice(
			/* translators: %s: the address of the core */
			sprintf( __( 'Your browser does not reach the core at %s.', 'aurareels' ), $core ),
			__( 'Under Settings > AuraReels the address of the core for browsers has to be one that works from here, and https where this site is.', 'aurareels' ),
			'away'
		);
		self::notice(
			__( 'The core does not allow pages of this site to call it.', 'aurareels' ),
			/* translators: %s: a line of the core's settings */
			sprintf( __( 'Set %s at the core, and start it anew.', 'aurareels' ), 'AURAREELS_CORS_ORIGINS=' . implode( ',', self::origins() ) ),
			'origin'
		);
	}

	private static function notice( $message, $remedy, $when ) {
		printf(
			'<div class="notice notice-error"%s><p><strong>%s</strong></p><p>%s</p></div>',
			false === $when ? '' : ' hidden data-aurareels-when="' . esc_attr( $when ) . '"',
			esc_html( $message ),
			esc_html( $remedy )
		);
	}

	/**
	 * Whether a request comes from a page of this site: another program has its own ways, with its own credentials.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return true|\WP_Error
	 */
	public static function may_have_token( \WP_REST_Request $request ) {
		$may = call_user_func( Permissions::user( Permissions::PUBLISH ) );
		if ( true !== $may ) {
			return $may;
		}
		if ( ! wp_verify_nonce( (string) $request->get_header( 'x_wp_nonce' ), 'wp_rest' ) ) {
			return new \WP_Error( 'aurareels_forbidden', __( 'Only pages of this site get such a token.', 'aurareels' ), array( 'status' => 403 ) );
		}
		return true;
	}

	/**
	 * A token for the page.
	 *
	 * @return \WP_REST_Response
	 * @throws Core_Error When nothing can be signed.
	 */
	public static function token() {
		$ends = time() + self::TOKEN_LIFE;
		return Routes::success(
			array(
				'token'      => Keys::token_of_user( get_current_user_id(), Permissions::PUBLISH, 'current', self::TOKEN_LIFE ),
				'expires_at' => gmdate( 'Y-m-d\TH:i:s\Z', $ends ),
				'expires_in' => self::TOKEN_LIFE,
			)
		);
	}

	/**
	 * Whether the core lets pages of this site call it: what a browser would ask first, asked by the server.
	 *
	 * @return array ok (bool), message, remedy.
	 */
	public static function reach() {
		$missing = array();

		list( $core, , $certificates ) = Settings::connection();
		foreach ( self::origins() as $origin ) {
			$answer = wp_remote_request(
				$core . '/aurareels.v1.PostService/ListPosts',
				array(
					'method'      => 'OPTIONS',
					'timeout'     => Connection_Test::PATIENCE,
					'redirection' => 0,
					'headers'     => array(
						'Origin'                         => $origin,
						'Access-Control-Request-Method'  => 'POST',
						'Access-Control-Request-Headers' => 'authorization,content-type,x-grpc-web',
					),
				) + $certificates
			);
			$allowed = is_wp_error( $answer ) ? '' : (string) wp_remote_retrieve_header( $answer, 'access-control-allow-origin' );
			if ( '*' !== $allowed && $origin !== $allowed ) {
				$missing[] = $origin;
			}
		}
		if ( ! $missing ) {
			return array(
				'ok'      => true,
				'message' => __( 'The core lets pages of this site call it.', 'aurareels' ),
				'remedy'  => '',
			);
		}
		return array(
			'ok'      => false,
			'message' => __( 'The core does not allow pages of this site to call it.', 'aurareels' ),
			/* translators: %s: a line of the core's settings */
			'remedy'  => sprintf( __( 'Set %s at the core, and start it anew.', 'aurareels' ), 'AURAREELS_CORS_ORIGINS=' . implode( ',', self::origins() ) ),
		);
	}
}
