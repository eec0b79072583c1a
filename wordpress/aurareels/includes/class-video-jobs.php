<?php
/**
 * The original's video jobs.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Looks up what a `video_job_id` stands for: whose it is, the MP4's address, the thumbnail, the AI metadata.
 *
 * The filter `aurareels_video_job` decides first; a site that keeps its jobs elsewhere answers it with an array (keys of
 * {@see Video_Jobs::COLUMNS}). Otherwise the table of the original design is read.
 *
 * Guaranteed: a job of another user and a job that does not exist are the same answer.
 */
final class Video_Jobs {

	/**
	 * What is needed of a job, and the usual names of its column.
	 */
	const COLUMNS = array(
		'job_id'        => array( 'job_id', 'video_job_id', 'uuid' ),
		'user_id'       => array( 'user_id', 'wp_user_id', 'author_id', 'owner_id' ),
		'video_url'     => array( 'mp4_url', 'video_url', 'public_url', 'download_url', 'cloudflare_mp4_url', 'file_url' ),
		'thumbnail_url' => array( 'thumbnail_url', 'thumbnail', 'poster_url' ),
		'ai_metadata'   => array( 'ai_metadata', 'metadata', 'ai_data', 'ai_result' ),
	);

	/**
	 * A finished job of a user.
	 *
	 * @param string $job_id The job.
	 * @param int    $user   The user.
	 * @return array|\WP_Error Keys: job_id, user_id, video_url, thumbnail_url, ai_metadata.
	 */
	public static function find( $job_id, $user ) {
		/**
		 * Looks up a video job.
		 *
		 * @param array|\WP_Error|null $job    Null: read the table. Otherwise job_id, user_id, video_url, thumbnail_url, ai_metadata.
		 * @param string               $job_id The job.
		 * @param int                  $user   The user who asks.
		 */
		$job = apply_filters( 'aurareels_video_job', null, $job_id, $user );
		if ( null === $job ) {
			$job = self::of_table( $job_id );
		}
		if ( is_wp_error( $job ) ) {
			return $job;
		}
		if ( ! is_array( $job ) || ! isset( $job['user_id'] ) || (int) $job['user_id'] !== (int) $user ) {
			return new \WP_Error( 'aurareels_video_job_not_found', __( 'Video job not found.', 'aurareels' ), array( 'status' => 404 ) );
		}
		$url = isset( $job['video_url'] ) ? (string) $job['video_url'] : '';
		if ( '' === $url ) {
			return new \WP_Error(
				'aurareels_video_not_public',
				__( 'The video of this job has no public MP4 address yet.', 'aurareels' ),
				array(
					'status' => 400,
					'reason' => 'VIDEO_NOT_PUBLIC',
					'remedy' => __( 'Wait until the upload is finished, or enable public downloads for the video.', 'aurareels' ),
				)
			);
		}
		return array(
			'job_id'        => (string) $job_id,
			'user_id'       => (int) $job['user_id'],
			'video_url'     => $url,
			'thumbnail_url' => isset( $job['thumbnail_url'] ) ? (string) $job['thumbnail_url'] : '',
			'ai_metadata'   => self::metadata( isset( $job['ai_metadata'] ) ? $job['ai_metadata'] : null ),
		);
	}

	/**
	 * A job as the core saves it: it compares the job's owner with the user of the call again.
	 *
	 * @param array $job What {@see find} answered.
	 * @return array
	 */
	public static function message( array $job ) {
		$ai = $job['ai_metadata'];
		return array(
			'video_job_id'  => $job['job_id'],
			'wp_user_id'    => $job['user_id'],
			'video_url'     => $job['video_url'],
			'thumbnail_url' => $job['thumbnail_url'],
			'ai_metadata'   => array(
				'titles'        => self::fitting( $ai['titles'], 50 ),
				'description'   => self::cut( $ai['description'], 8192 ),
				'hashtags'      => self::fitting( $ai['hashtags'], 100 ),
				'transcription' => self::cut( $ai['transcription'], 262144 ),
			),
		);
	}

	/**
	 * The first of some texts, as many as the core keeps: 4096 bytes together.
	 *
	 * @param string[] $texts The texts.
	 * @param int      $most  Most of them.
	 * @return string[]
	 */
	private static function fitting( array $texts, $most ) {
		$kept  = array();
		$bytes = 0;
		foreach ( array_slice( $texts, 0, $most ) as $text ) {
			$bytes += strlen( $text );
			if ( $bytes > 4096 ) {
				break;
			}
			$kept[] = $text;
		}
		return $kept;
	}

	/**
	 * The beginning of a text, cut between characters.
	 *
	 * @param string $text The text.
	 * @param int    $most Most bytes.
	 * @return string
	 */
	private static function cut( $text, $most ) {
		return strlen( $text ) <= $most ? $text : wp_check_invalid_utf8( substr( $text, 0, $most ), true );
	}

	/**
	 * A job of the original's table.
	 *
	 * @param string $job_id The job.
	 * @return array|\WP_Error|null Null when there is none.
	 */
	private static function of_table( $job_id ) {
		global $wpdb;
		list( $table, $columns ) = Settings::values( array( 'video_job_table', 'video_job_columns' ) );
		$table  = '' !== (string) $table ? (string) $table : $wpdb->prefix . 'chavetas_video_uploader';
		$set    = self::set_columns( $columns );
		$job_at = isset( $set['job_id'] ) ? $set['job_id'] : self::COLUMNS['job_id'][0];
		$row    = null;
		if ( preg_match( '/^[A-Za-z0-9_$]+$/', $table ) ) {
			// The usual case is one query; which columns there are is asked for only when it fails.
			$shown = $wpdb->suppress_errors( true );
			// phpcs:ignore WordPress.DB -- both names are letters, digits and underscores.
			$row = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM `$table` WHERE `$job_at` = %s LIMIT 1", $job_id ), ARRAY_A );
			$wpdb->suppress_errors( $shown );
		}
		$failed = '' !== $wpdb->last_error || null === $row;
		$names  = $failed ? self::columns( $table ) : self::among( $row, $set );
		if ( is_wp_error( $names ) ) {
			return $names;
		}
		if ( null === $names ) {
			return self::unknown_table( $table );
		}
		if ( $failed && $names['job_id'] !== $job_at ) {
			// phpcs:ignore WordPress.DB -- the database itself has told these names.
			$row = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM `$table` WHERE `{$names['job_id']}` = %s LIMIT 1", $job_id ), ARRAY_A );
		}
		if ( null === $row ) {
			return null;
		}
		$job = array();
		foreach ( $names as $what => $column ) {
			$job[ $what ] = $row[ $column ];
		}
		return $job;
	}

	/**
	 * The columns of a table that hold what is needed.
	 *
	 * @param string $table The table.
	 * @return array|\WP_Error
	 */
	public static function columns( $table ) {
		global $wpdb;
		$there = array();
		if ( preg_match( '/^[A-Za-z0-9_$]+$/', $table ) ) {
			// phpcs:ignore WordPress.DB -- asked for once in a request that publishes.
			$there = $wpdb->get_col( $wpdb->prepare( 'SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s', $table ) );
		}
		$found = self::among( array_flip( $there ), self::set_columns( Settings::value( 'video_job_columns' ) ) );
		return null === $found ? self::unknown_table( $table ) : $found;
	}

	/**
	 * Those of some columns that hold what is needed.
	 *
	 * @param array $there What has the columns' names as its keys.
	 * @param array $set   Column names of the settings.
	 * @return array|null Null when something that cannot be done without is missing.
	 */
	private static function among( array $there, array $set ) {
		$found = array();
		foreach ( self::COLUMNS as $what => $usual ) {
			foreach ( isset( $set[ $what ] ) ? array( $set[ $what ] ) : $usual as $column ) {
				if ( array_key_exists( $column, $there ) ) {
					$found[ $what ] = $column;
					break;
				}
			}
		}
		return isset( $found['job_id'], $found['user_id'], $found['video_url'] ) ? $found : null;
	}

	private static function unknown_table( $table ) {
		return new \WP_Error(
			'aurareels_no_video_jobs',
			/* translators: %s: name of a database table */
			sprintf( __( 'Video jobs cannot be looked up on this site: the table %s, or one of its columns, is not there. Send video_url, or tell the site about its table.', 'aurareels' ), $table ),
			array( 'status' => 501 )
		);
	}

	/**
	 * Column names of the settings: `user_id=owner, video_url=mp4`.
	 *
	 * @param mixed $given The setting.
	 * @return array
	 */
	private static function set_columns( $given ) {
		$set = array();
		foreach ( is_array( $given ) ? $given : explode( ',', (string) $given ) as $what => $column ) {
			if ( is_int( $what ) && 2 === count( explode( '=', $column ) ) ) {
				list( $what, $column ) = array_map( 'trim', explode( '=', $column ) );
			}
			if ( isset( self::COLUMNS[ $what ] ) && preg_match( '/^[A-Za-z0-9_$]+$/', $column ) ) {
				$set[ $what ] = $column;
			}
		}
		return $set;
	}

	/**
	 * AI metadata in one form, whether it was stored as `{"data": {...}}` or without that.
	 *
	 * @param mixed $given What was stored.
	 * @return array Keys: titles, description, hashtags, transcription.
	 */
	private static function metadata( $given ) {
		$given = is_string( $given ) ? json_decode( $given, true ) : $given;
		$given = is_array( $given ) ? $given : array();
		$data  = isset( $given['data'] ) && is_array( $given['data'] ) ? $given['data'] : $given;
		$list  = static function ( $name ) use ( $data ) {
			$items = isset( $data[ $name ] ) && is_array( $data[ $name ] ) ? $data[ $name ] : array();
			return array_values( array_filter( $items, 'is_string' ) );
		};
		$text  = static function ( $name ) use ( $data ) {
			return isset( $data[ $name ] ) && is_string( $data[ $name ] ) ? $data[ $name ] : '';
		};
		return array(
			'titles'        => $list( 'titles' ),
			'description'   => $text( 'description' ),
			'hashtags'      => $list( 'hashtags' ),
			'transcription' => $text( 'transcription' ),
		);
	}
}
