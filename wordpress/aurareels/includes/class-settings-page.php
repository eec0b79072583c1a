<?php
/**
 * Settings > AuraReels.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * The settings page: the core's address with a live test, what to copy into the core's settings, the change of keys, roles,
 * n8n's key, video jobs. No secret is ever printed: of a signing key the public part, of n8n's key whether there is one.
 */
final class Settings_Page {

	const PAGE = 'aurareels';

	/**
	 * Adds the page.
	 */
	public static function add() {
		add_options_page( 'AuraReels', 'AuraReels', 'manage_options', self::PAGE, array( self::class, 'show' ) );
	}

	/**
	 * The page's address.
	 *
	 * @return string
	 */
	public static function address() {
		return admin_url( 'options-general.php?page=' . self::PAGE );
	}

	/**
	 * A link beside the plugin's name.
	 *
	 * @param string[] $links Links.
	 * @return string[]
	 */
	public static function link( $links ) {
		array_unshift( $links, '<a href="' . esc_url( self::address() ) . '">' . esc_html__( 'Settings', 'aurareels' ) . '</a>' );
		return $links;
	}

	/**
	 * Does what a button of the page asks for; on `admin_post_aurareels`.
	 */
	public static function handle() {
		if ( ! current_user_can( 'manage_options' ) ) {
			wp_die( esc_html__( 'You may not change these settings.', 'aurareels' ), '', array( 'response' => 403 ) );
		}
		check_admin_referer( 'aurareels' );
		$what = isset( $_POST['what'] ) ? sanitize_key( wp_unslash( $_POST['what'] ) ) : '';
		$said = '';
		switch ( $what ) {
			case 'save':
				$said = self::save();
				break;
			case 'next-key':
				Keys::make_next();
				$said = 'next-key';
				break;
			case 'use-key':
				$said = self::use_next_key();
				break;
			case 'drop-key':
				Keys::drop_next();
				break;
			case 'test':
				set_transient( 'aurareels_test_' . get_current_user_id(), Connection_Test::run(), 60 );
				break;
		}
		wp_safe_redirect( add_query_arg( 'said', $said, self::address() ) );
		exit;
	}

	/**
	 * Changes to the waiting key, if the core takes it.
	 *
	 * @return string
	 */
	private static function use_next_key() {
		$result = Connection_Test::run( 'next' );
		if ( $result['ok'] ) {
			Keys::use_next();
			return 'used-key';
		}
		set_transient( 'aurareels_test_' . get_current_user_id(), $result, 60 );
		return 'kept-key';
	}

	// phpcs:disable WordPress.Security.NonceVerification -- handle() has verified it.
	private static function save() {
		$text    = static function ( $name ) {
			return isset( $_POST[ $name ] ) && is_string( $_POST[ $name ] ) ? trim( sanitize_text_field( wp_unslash( $_POST[ $name ] ) ) ) : '';
		};
		$given   = array(
			'timeout'           => max( 1, min( 60, (int) $text( 'timeout' ) ) ),
			'callback_at_site'  => '' !== $text( 'callback_at_site' ),
			'video_job_table'   => preg_replace( '/[^A-Za-z0-9_$]/', '', $text( 'video_job_table' ) ),
			'video_job_columns' => $text( 'video_job_columns' ),
		);
		$said    = 'saved';
		foreach ( array( 'core_url', 'core_public_url' ) as $name ) {
			$address = Settings::address( $text( $name ) );
			if ( '' === $address && '' !== $text( $name ) ) {
				$said = 'no-address';
			} else {
				$given[ $name ] = $address;
			}
		}
		$kept = get_option( Settings::OPTION );
		$kept = is_array( $kept ) ? array_intersect_key( $kept, Settings::NAMES ) : array();
		// A form does not send what wp-config.php decides; the page's own value stays for the day when it no longer does.
		foreach ( array_keys( Settings::NAMES ) as $name ) {
			if ( Settings::is_fixed( $name ) ) {
				unset( $given[ $name ] );
			}
		}
		update_option( Settings::OPTION, $given + $kept );
		$roles = isset( $_POST['roles'] ) && is_array( $_POST['roles'] ) ? array_map( 'sanitize_key', wp_unslash( $_POST['roles'] ) ) : array();
		Installer::set_roles( array_merge( array( 'administrator' ), $roles ) );
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- hashed as it is, never shown.
		$key = isset( $_POST['n8n_key'] ) && is_string( $_POST['n8n_key'] ) ? trim( wp_unslash( $_POST['n8n_key'] ) ) : '';
		if ( '' !== $text( 'n8n_key_off' ) ) {
			update_option( Settings::N8N_KEY, '', true );
		} elseif ( strlen( $key ) >= 16 ) {
			update_option( Settings::N8N_KEY, hash( 'sha256', $key ), true );
		} elseif ( '' !== $key ) {
			$said = 'short-key';
		}
		return self::save_webhook( $text ) ? $said : 'bad-secret';
	}

	/**
	 * Keeps the webhook's secret, or throws it away.
	 *
	 * @param callable $text What a field of the form holds.
	 * @return bool False when what was given is no secret.
	 */
	private static function save_webhook( callable $text ) {
		if ( '' !== $text( 'webhook_secret_off' ) ) {
			delete_option( Webhook::OPTION );
			return true;
		}
		$secret = $text( 'webhook_secret' );
		return '' === $secret || Webhook::set_secret( $secret );
	}
	// phpcs:enable

	/**
	 * Prints the page.
	 */
	public static function show() {
		if ( ! current_user_can( 'manage_options' ) ) {
			return;
		}
		echo '<div class="wrap"><h1>AuraReels</h1>';
		self::show_word();
		self::show_test();
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '">';
		wp_nonce_field( 'aurareels' );
		echo '<input type="hidden" name="action" value="aurareels">';
		self::show_settings();
		submit_button( __( 'Save', 'aurareels' ), 'primary', 'submit', true );
		echo '<input type="hidden" name="what" value="save"></form>';
		self::show_core_settings();
		self::show_webhook();
		self::show_keys();
		echo '</div>';
	}

	private static function show_word() {
		$words = array(
			'saved'      => array( 'success', __( 'Saved.', 'aurareels' ) ),
			'no-address' => array( 'error', __( 'That is not an http or https address; it was not saved.', 'aurareels' ) ),
			'short-key'  => array( 'error', __( 'The key for n8n needs at least 16 characters; it was not saved.', 'aurareels' ) ),
			'bad-secret' => array( 'error', __( 'A secret of a webhook begins with whsec_; it was not saved.', 'aurareels' ) ),
			'next-key'   => array( 'success', __( 'A new key waits. Give the core the value below, which holds both, then use the new key.', 'aurareels' ) ),
			'used-key'   => array( 'success', __( 'The new key signs from now on. The core no longer needs the old one.', 'aurareels' ) ),
			'kept-key'   => array( 'error', __( 'The core does not accept the new key yet, so the old one goes on signing.', 'aurareels' ) ),
		);
		// phpcs:ignore WordPress.Security.NonceVerification -- chooses one of the texts above.
		$said = isset( $_GET['said'] ) ? sanitize_key( wp_unslash( $_GET['said'] ) ) : '';
		if ( isset( $words[ $said ] ) ) {
			printf( '<div class="notice notice-%s"><p>%s</p></div>', esc_attr( $words[ $said ][0] ), esc_html( $words[ $said ][1] ) );
		}
	}

	private static function show_test() {
		$name   = 'aurareels_test_' . get_current_user_id();
		$result = get_transient( $name );
		delete_transient( $name );
		if ( is_array( $result ) ) {
			printf(
				'<div class="notice notice-%s aurareels-test" data-part="%s"><p><strong>%s</strong></p>%s</div>',
				$result['ok'] ? 'success' : 'error',
				esc_attr( $result['part'] ),
				esc_html( $result['message'] ),
				'' === $result['remedy'] ? '' : '<p>' . esc_html( $result['remedy'] ) . '</p>'
			);
		}
		self::button( 'test', __( 'Test the connection', 'aurareels' ) );
	}

	private static function show_settings() {
		echo '<table class="form-table" role="presentation">';
		self::field( 'core_url', __( 'Address of the core', 'aurareels' ), __( 'As this server reaches it, such as https://core.example.org or http://127.0.0.1:50051.', 'aurareels' ) );
		self::field( 'core_public_url', __( 'Address of the core for browsers', 'aurareels' ), __( 'Where connecting an account leads back to. Empty: the address above.', 'aurareels' ) );
		self::field( 'timeout', __( 'Seconds that a call may take', 'aurareels' ), '' );
		self::box( 'callback_at_site', __( 'Logins come back to this site', 'aurareels' ), __( 'The apps at the platforms have the callback addresses of this site registered. Unticked: those of the core.', 'aurareels' ) );
		echo '<tr><th scope="row">' . esc_html__( 'Roles that may publish', 'aurareels' ) . '</th><td>';
		$with = Installer::roles();
		foreach ( wp_roles()->get_names() as $role => $label ) {
			printf(
				'<label><input type="checkbox" name="roles[]" value="%s"%s%s> %s</label><br>',
				esc_attr( $role ),
				checked( in_array( $role, $with, true ), true, false ),
				disabled( 'administrator' === $role, true, false ),
				esc_html( translate_user_role( $label ) )
			);
		}
		echo '</td></tr>';
		$has_key = Settings::has_n8n_key();
		self::secret(
			'n8n_key',
			__( 'Key for n8n', 'aurareels' ),
			defined( 'N8N_API_KEY' ),
			$has_key ? __( 'A key is set. Enter another one to replace it.', 'aurareels' ) : __( 'No key is set: the internal routes answer nobody.', 'aurareels' ),
			$has_key ? __( 'Remove the key', 'aurareels' ) : ''
		);
		$has_secret = Webhook::has_secret();
		self::secret(
			'webhook_secret',
			__( 'Secret of the webhook', 'aurareels' ),
			Webhook::is_fixed(),
			$has_secret ? __( 'A secret is set. Enter another one to replace it.', 'aurareels' ) : __( 'No secret is set: the site asks the core every minute.', 'aurareels' ),
			$has_secret ? __( 'Remove the secret', 'aurareels' ) : ''
		);
		self::field( 'video_job_table', __( 'Table of video jobs', 'aurareels' ), __( 'Empty: the table of the original design.', 'aurareels' ) );
		self::field( 'video_job_columns', __( 'Columns of that table', 'aurareels' ), __( 'Only where they have unusual names, such as user_id=owner, video_url=mp4.', 'aurareels' ) );
		echo '</table>';
	}

	private static function field( $name, $label, $help ) {
		$value = Settings::value( $name );
		$value = is_array( $value ) ? implode( ', ', $value ) : (string) $value;
		printf(
			'<tr><th scope="row"><label for="%1$s">%2$s</label></th><td><input type="text" class="regular-text" id="%1$s" name="%1$s" value="%3$s"%4$s><p class="description">%5$s</p></td></tr>',
			esc_attr( $name ),
			esc_html( $label ),
			esc_attr( $value ),
			disabled( Settings::is_fixed( $name ), true, false ),
			esc_html( Settings::is_fixed( $name ) ? __( 'Set in wp-config.php.', 'aurareels' ) : $help )
		);
	}

	/**
	 * A row whose value is never shown.
	 *
	 * @param string $name     The field's name; the box that removes the value is called `<name>_off`.
	 * @param string $label    Its label.
	 * @param bool   $is_fixed Whether wp-config.php has it.
	 * @param string $help     What is there now.
	 * @param string $remove   Label of the box; empty where there is nothing to remove.
	 */
	private static function secret( $name, $label, $is_fixed, $help, $remove ) {
		printf( '<tr><th scope="row"><label for="%s">%s</label></th><td>', esc_attr( $name ), esc_html( $label ) );
		if ( $is_fixed ) {
			echo esc_html__( 'Set in wp-config.php.', 'aurareels' );
		} else {
			printf(
				'<input type="password" id="%1$s" name="%1$s" class="regular-text" autocomplete="new-password"><p class="description">%2$s</p>',
				esc_attr( $name ),
				esc_html( $help )
			);
			if ( '' !== $remove ) {
				printf( '<label><input type="checkbox" name="%s_off" value="1"> %s</label>', esc_attr( $name ), esc_html( $remove ) );
			}
		}
		echo '</td></tr>';
	}

	private static function box( $name, $label, $help ) {
		printf(
			'<tr><th scope="row">%2$s</th><td><label><input type="checkbox" name="%1$s" value="1"%3$s%4$s> %5$s</label></td></tr>',
			esc_attr( $name ),
			esc_html( $label ),
			checked( (bool) Settings::value( $name ), true, false ),
			disabled( Settings::is_fixed( $name ), true, false ),
			esc_html( $help )
		);
	}

	private static function show_core_settings() {
		echo '<h2>' . esc_html__( 'Settings for the core', 'aurareels' ) . '</h2><p>' . esc_html__( 'Copy these lines into the environment of the core.', 'aurareels' ) . '</p>';
		$lines = array( 'AURAREELS_JWT_PUBLIC_KEY=' . Keys::public_setting(), 'AURAREELS_JWT_ISSUER=' . Settings::issuer() );
		if ( Settings::value( 'callback_at_site' ) ) {
			$lines[] = 'AURAREELS_REDIRECT_URIS=' . implode( ',', array_map( array( Settings::class, 'callback' ), Codec::get()->words( 'Platform' ) ) );
		}
		$lines[] = 'AURAREELS_CORS_ORIGINS=' . implode( ',', Dashboard::origins() );
		echo '<textarea readonly wrap="off" rows="' . ( 1 + count( $lines ) ) . '" class="large-text code" id="aurareels-core-settings">' . esc_textarea( implode( "\n", $lines ) ) . '</textarea>';
	}

	private static function show_webhook() {
		echo '<h2>' . esc_html__( 'Events at once', 'aurareels' ) . '</h2><p>';
		echo esc_html__( 'The site asks the core every minute what happened. Where the core can reach the site, it tells by itself: run this beside the core, with the operator\'s key, and enter above the secret that it prints.', 'aurareels' );
		echo '</p><textarea readonly rows="1" class="large-text code" id="aurareels-webhook">' . esc_textarea( 'aurareels webhook create --all-users ' . Webhook::address() ) . '</textarea>';
	}

	private static function show_keys() {
		echo '<h2>' . esc_html__( 'Signing key', 'aurareels' ) . '</h2>';
		if ( defined( 'AURAREELS_SIGNING_KEY' ) ) {
			echo '<p>' . esc_html__( 'Set in wp-config.php.', 'aurareels' ) . '</p>';
			return;
		}
		if ( null !== Keys::problem() ) {
			echo '<div class="notice notice-error inline"><p>' . esc_html( (string) Keys::problem() ) . '</p></div>';
		}
		if ( Keys::has_next() ) {
			echo '<p>' . esc_html__( 'A new key waits. First give the core the value above, which holds both keys; then use it.', 'aurareels' ) . '</p>';
			self::button( 'use-key', __( 'Use the new key', 'aurareels' ) );
			self::button( 'drop-key', __( 'Throw the new key away', 'aurareels' ) );
		} else {
			self::button( 'next-key', __( 'Make a new key', 'aurareels' ) );
		}
	}

	private static function button( $what, $label ) {
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '" style="display:inline-block;margin-right:1em">';
		wp_nonce_field( 'aurareels' );
		echo '<input type="hidden" name="action" value="aurareels"><input type="hidden" name="what" value="' . esc_attr( $what ) . '">';
		echo '<button class="button">' . esc_html( $label ) . '</button></form>';
	}
}
