<?php
/**
 * What the codec throws.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * A value that does not fit its field, or bytes that are not the message.
 */
final class Codec_Error extends \RuntimeException {
}
