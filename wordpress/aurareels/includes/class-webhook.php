<?php
/**
 * What the core sends by itself.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * POST webhook: takes the core's webhooks, in the form of Standard Webhooks (https://www.standardwebhooks.com), and tells each
 * event by the same actions as the poll ({@see Events}), at once instead of within a minute.
 *
 * Guaranteed: nothing is told that is not signed by a secret of this site, or whose time is more than five minutes off. An event
 * that comes again, or that the poll has told, is answered with 200 and told to nobody. 2xx is answered after the actions, so an
 * event whose callbacks end the process comes again ({@see Event_Claims}).
 */
final class Webhook {

	const OPTION = 'aurareels_webhook_secret';

	/**
	 * What the secret is sealed as.
	 */
	const PURPOSE = 'webhook secret';

	/**
	 * Seconds that a message's time may be off, either way.
	 */
	const TOLERANCE = 300;

	/**
	 * What the core makes: `whsec_` and base64, and several of them while one is being changed.
	 */
	const PATTERN = '/^whsec_[A-Za-z0-9+\/]{16,}={0,2}( whsec_[A-Za-z0-9+\/]{16,}={0,2})*$/';

	/**
	 * The address that the core needs.
	 *
	 * @return string
	 */
	public static function address() {
		return rest_url( Routes::NAMESPACE_V1 . '/social/webhook' );
	}

	/**
	 * Keeps a secret.
	 *
	 * @param string $secret What the core printed; several are separated by a space.
	 * @return bool False when that is none.
	 */
	public static function set_secret( $secret ) {
		if ( ! preg_match( self::PATTERN, $secret ) ) {
			return false;
		}
		update_option( self::OPTION, Sealed::seal( $secret, self::PURPOSE ), false );
		return true;
	}

	/**
	 * Whether wp-config.php has the secret.
	 *
	 * @return bool
	 */
	public static function is_fixed() {
		return defined( 'AURAREELS_WEBHOOK_SECRET' );
	}

	/**
	 * Whether there is a secret, readable or not.
	 *
	 * @return bool
	 */
	public static function has_secret() {
		return self::is_fixed() || false !== get_option( self::OPTION );
	}

	/**
	 * Why the secret that is set is of no use; null when it is, or when there is none.
	 *
	 * @return string|null
	 */
	public static function problem() {
		return self::has_secret() && ! self::secrets()
			? __( 'The secret of the webhook cannot be read: the salts of wp-config.php were changed since it was set. Set it again.', 'aurareels' )
			: null;
	}

	/**
	 * The secrets; empty when there is none that can be read.
	 *
	 * @return string[]
	 */
	private static function secrets() {
		$text = self::is_fixed() ? AURAREELS_WEBHOOK_SECRET : Sealed::open( get_option( self::OPTION ), self::PURPOSE );
		return is_string( $text ) && preg_match( self::PATTERN, $text ) ? explode( ' ', $text ) : array();
	}

	/**
	 * The permission callback.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return true|\WP_Error
	 */
	public static function is_signed( \WP_REST_Request $request ) {
		$secrets = self::secrets();
		if ( ! $secrets ) {
			// The core tries again for three days: long enough to set the secret anew.
			return null !== self::problem()
				? self::refused( 503, 'aurareels_webhook_secret_unreadable', (string) self::problem() )
				: self::refused( 401, 'aurareels_no_webhook_secret', __( 'No secret of a webhook is set on this site.', 'aurareels' ) );
		}
		$id   = (string) $request->get_header( 'webhook-id' );
		$time = (string) $request->get_header( 'webhook-timestamp' );
		if ( ! preg_match( '/^[\x21-\x7e]{1,128}$/', $id ) || ! preg_match( '/^\d{1,12}$/', $time ) ) {
			return self::refused( 401, 'aurareels_bad_signature', __( 'The headers webhook-id and webhook-timestamp are missing, or are none.', 'aurareels' ) );
		}
		if ( ! self::matches( $secrets, "$id.$time." . $request->get_body(), (string) $request->get_header( 'webhook-signature' ) ) ) {
			return self::refused( 401, 'aurareels_bad_signature', __( 'The signature is not of a secret that this site has.', 'aurareels' ) );
		}
		if ( abs( time() - (int) $time ) > self::TOLERANCE ) {
			return self::refused( 401, 'aurareels_webhook_time', __( 'The time of the message is more than five minutes off. Set the clocks of the core and of this server by NTP.', 'aurareels' ) );
		}
		return true;
	}

	/**
	 * Whether one of the signatures is of one of the secrets. Every pair is compared, each in constant time.
	 *
	 * @param string[] $secrets The secrets.
	 * @param string   $signed  What is signed.
	 * @param string   $header  `v1,<base64>`, several of them separated by spaces.
	 * @return bool
	 */
	private static function matches( array $secrets, $signed, $header ) {
		$found = false;
		// The core sends two while a secret is being changed; nobody may have us compute for long.
		foreach ( array_slice( explode( ' ', $header ), 0, 8 ) as $signature ) {
			foreach ( $secrets as $secret ) {
				// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- base64 is the form of secrets and signatures.
				$expected = 'v1,' . base64_encode( hash_hmac( 'sha256', $signed, (string) base64_decode( substr( $secret, 6 ) ), true ) );
				$found    = hash_equals( $expected, $signature ) || $found;
			}
		}
		return $found;
	}

	/**
	 * Takes a message.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function receive( \WP_REST_Request $request ) {
		$message = json_decode( $request->get_body() );
		$id      = (string) $request->get_header( 'webhook-id' );
		$type    = isset( $message->type ) && is_string( $message->type ) ? $message->type : '';
		if ( 'webhook.test' === $type ) {
			return self::once( $id, 0, array( 'aurareels_webhook_test' ), array( 'webhook_id' => $id ) );
		}
		try {
			$event = $message instanceof \stdClass ? self::event( $type, $message ) : null;
		} catch ( Codec_Error $error ) {
			return self::refused( 400, 'aurareels_invalid_field', 'data: ' . $error->getMessage() );
		}
		if ( null === $event ) {
			// A type of a newer core. The poll tells it, by its number.
			return self::answer( 'ignored' );
		}
		if ( Events::has_passed( $event['sequence'] ) ) {
			return self::answer( Event_Claims::TOLD );
		}
		$shape = Shapes::event( $event );
		return self::once( Event_Claims::name( $event['sequence'] ), $event['sequence'], Events::actions( $shape ), array( 'webhook_id' => $id ) + $shape );
	}

	/**
	 * Calls actions, unless the event was told already.
	 *
	 * @param string   $name     The event's name among the claims.
	 * @param int      $sequence Its sequence, or 0.
	 * @param string[] $actions  The actions.
	 * @param array    $told     What they are given.
	 * @return \WP_REST_Response|\WP_Error
	 */
	private static function once( $name, $sequence, array $actions, array $told ) {
		// The core hangs up after 15 seconds; what has begun goes on.
		ignore_user_abort( true );
		$claim = Event_Claims::claim( $name, $sequence );
		if ( Event_Claims::BUSY === $claim ) {
			return self::refused( 409, 'aurareels_event_busy', __( 'Another request tells this event at this moment.', 'aurareels' ) );
		}
		if ( Event_Claims::CLAIMED === $claim ) {
			Events::act( $actions, $told );
			Event_Claims::told( $name );
		}
		return self::answer( $claim );
	}

	/**
	 * The event of a message, as ListEvents would answer it.
	 *
	 * @param string    $type    The message's type, such as `post.published`.
	 * @param \stdClass $message The message.
	 * @return array|null Null for a type that this release does not know.
	 * @throws Codec_Error When it is malformed.
	 */
	private static function event( $type, \stdClass $message ) {
		$codec   = Codec::get();
		$subject = strtok( $type, '.' );
		$word    = (string) strtok( '' );
		$status  = 'post' === $subject ? $codec->number( 'PostStatus', $word ) : null;
		$kind    = $codec->number( 'EventType', null === $status ? "{$subject}_$word" : 'post_status_changed' );
		if ( null === $kind || ! isset( $message->sequence, $message->data ) || ! is_int( $message->sequence ) || ! $message->data instanceof \stdClass ) {
			return null;
		}
		$data    = $message->data;
		$is_post = 'post' === $subject;
		// Of what is gone, the ids are left.
		$post    = $is_post && isset( $data->status ) ? Json_Message::read( 'Post', $data ) : null;
		$account = 'account' === $subject && isset( $data->platform ) ? Json_Message::read( 'Account', $data ) : null;
		$number  = static function ( $key ) use ( $data ) {
			return isset( $data->{$key} ) && is_int( $data->{$key} ) ? $data->{$key} : 0;
		};
		return array(
			'sequence'        => $message->sequence,
			'type'            => $kind,
			'created_at'      => Internal_Api::instant( isset( $message->timestamp ) && is_string( $message->timestamp ) ? $message->timestamp : '' ),
			'wp_user_id'      => isset( $message->wp_user_id ) && is_int( $message->wp_user_id ) ? $message->wp_user_id : 0,
			'post_id'         => $is_post ? $number( 'id' ) : 0,
			'account_id'      => $is_post ? $number( 'social_account_id' ) : ( 'account' === $subject ? $number( 'id' ) : 0 ),
			'status'          => (int) ( null === $status && null !== $post ? $post['status'] : $status ),
			// Only ListEvents knows it.
			'previous_status' => 0,
			'reason'          => isset( $message->reason ) && is_string( $message->reason ) ? $message->reason : '',
			'post'            => $post,
			'account'         => $account,
		);
	}

	private static function answer( $outcome ) {
		return Routes::success( array( 'outcome' => Event_Claims::CLAIMED === $outcome ? Event_Claims::TOLD : ( Event_Claims::TOLD === $outcome ? 'known' : $outcome ) ) );
	}

	private static function refused( $status, $code, $message ) {
		return new \WP_Error( $code, $message, array( 'status' => $status ) );
	}
}
