<?php
/**
 * `wp aurareels`.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Looks at the core, at accounts and posts, and changes the signing key. Users are named by `--user`.
 */
final class Cli {

	/**
	 * Tests the connection to the core.
	 */
	public function test() {
		$result = Connection_Test::run();
		if ( $result['ok'] ) {
			\WP_CLI::success( $result['message'] );
		} else {
			\WP_CLI::error( trim( "[{$result['part']}] {$result['message']} {$result['remedy']}" ) );
		}
	}

	/**
	 * Lists the accounts of the user.
	 *
	 * ## OPTIONS
	 *
	 * [--format=<format>]
	 * : table, json, csv, yaml, ids or count; table when absent.
	 *
	 * @param array $args    Arguments.
	 * @param array $options Options.
	 */
	public function accounts( $args = array(), $options = array() ) {
		$this->print_list( $options, '/accounts', array(), 'accounts', array( 'id', 'platform', 'account_name', 'is_active', 'token_expires_at', 'health' ) );
	}

	/**
	 * Lists the posts of the user.
	 *
	 * ## OPTIONS
	 *
	 * [--status=<status>]
	 * : Only posts of this status.
	 *
	 * [--limit=<number>]
	 * : At most so many; 20 when absent.
	 *
	 * [--format=<format>]
	 * : table, json, csv, yaml, ids or count; table when absent.
	 *
	 * @param array $args    Arguments.
	 * @param array $options Options.
	 */
	public function posts( $args, $options ) {
		$this->print_list( $options, '/posts', array_intersect_key( $options, array_flip( array( 'status', 'limit' ) ) ), 'posts', array( 'id', 'platform', 'status', 'scheduled_at', 'published_at', 'account_name', 'error_message' ) );
	}

	/**
	 * Cancels a post.
	 *
	 * ## OPTIONS
	 *
	 * <id>
	 * : The post.
	 *
	 * @param array $args Arguments.
	 */
	public function cancel( $args ) {
		\WP_CLI::success( $this->ask( 'DELETE', '/posts/' . (int) $args[0] )['message'] );
	}

	/**
	 * Retries a failed post.
	 *
	 * ## OPTIONS
	 *
	 * <id>
	 * : The post.
	 *
	 * @param array $args Arguments.
	 */
	public function retry( $args ) {
		\WP_CLI::success( $this->ask( 'POST', '/posts/' . (int) $args[0] . '/retry' )['message'] );
	}

	/**
	 * Reads the core's events now, instead of waiting for WP-Cron.
	 */
	public function poll() {
		try {
			$count = Events::poll();
			/* translators: %d: number of events */
			\WP_CLI::success( sprintf( _n( '%d event was told.', '%d events were told.', $count, 'aurareels' ), $count ) );
		} catch ( Core_Error $error ) {
			\WP_CLI::error( $error->getMessage() );
		}
	}

	/**
	 * Shows or changes the signing key.
	 *
	 * ## OPTIONS
	 *
	 * <what>
	 * : show, next (make the key that will follow), use (sign with it from now on), drop.
	 *
	 * @param array $args Arguments.
	 */
	public function key( $args ) {
		switch ( $args[0] ) {
			case 'next':
				Keys::make_next();
				break;
			case 'use':
				$result = Connection_Test::run( 'next' );
				if ( ! $result['ok'] || ! Keys::use_next() ) {
					\WP_CLI::error( __( 'The core does not accept the new key yet, so the old one goes on signing.', 'aurareels' ) . " {$result['message']} {$result['remedy']}" );
				}
				break;
			case 'drop':
				Keys::drop_next();
				break;
			case 'show':
				break;
			default:
				\WP_CLI::error( __( 'Say what to do with the key: show, next, use or drop.', 'aurareels' ) );
		}
		\WP_CLI::line( 'AURAREELS_JWT_PUBLIC_KEY=' . Keys::public_setting() );
		\WP_CLI::line( 'AURAREELS_JWT_ISSUER=' . Settings::issuer() );
	}

	/**
	 * Asks one of the plugin's own routes, as the user of `--user`.
	 *
	 * @param string $method HTTP method.
	 * @param string $path   Path behind `/social`.
	 * @param array  $query  Parameters.
	 * @return array
	 */
	private function ask( $method, $path, array $query = array() ) {
		if ( ! is_user_logged_in() ) {
			\WP_CLI::error( __( 'Say as whom: --user=<id or login>', 'aurareels' ) );
		}
		$request = new \WP_REST_Request( $method, '/' . Routes::NAMESPACE_V1 . "/social$path" );
		$request->set_query_params( $query );
		$answer = rest_do_request( $request )->get_data();
		if ( empty( $answer['success'] ) ) {
			\WP_CLI::error( isset( $answer['message'] ) ? $answer['message'] : __( 'The AuraReels core could not answer.', 'aurareels' ) );
		}
		return $answer;
	}

	private function print_list( array $options, $path, array $query, $list, array $columns ) {
		$answer = $this->ask( 'GET', $path, $query + array( 'extended' => true ) );
		\WP_CLI\Utils\format_items( isset( $options['format'] ) ? $options['format'] : 'table', $answer[ $list ], $columns );
	}
}
