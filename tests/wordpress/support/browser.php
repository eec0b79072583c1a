<?php

/**
 * A person's browser, as far as connecting an account needs one: it keeps cookies, presses the button that it is told to on each
 * page, and says where it is sent in the end.
 */
final class Browser {

	/** @var array<string, array<string, string>> Cookies by host. */
	private $cookies = array();

	/** One request; redirects are handed to the caller: status, headers (last of each name), body. */
	public function fetch( string $url, ?array $form = null, array $further = array() ): array {
		$host    = parse_url( $url, PHP_URL_HOST ) . ':' . parse_url( $url, PHP_URL_PORT );
		$curl    = curl_init( $url );
		$headers = array();
		$jar     = array();
		foreach ( $this->cookies[ parse_url( $url, PHP_URL_HOST ) ] ?? array() as $name => $value ) {
			$jar[] = "$name=$value";
		}
		curl_setopt_array(
			$curl,
			array(
				CURLOPT_RETURNTRANSFER => true,
				CURLOPT_TIMEOUT        => 60,
				CURLOPT_HTTPHEADER     => $further,
				CURLOPT_COOKIE         => implode( '; ', $jar ),
				CURLOPT_HEADERFUNCTION => function ( $curl, $line ) use ( &$headers, $url ) {
					$parts = explode( ':', $line, 2 );
					if ( 2 === count( $parts ) ) {
						$headers[ strtolower( trim( $parts[0] ) ) ] = trim( $parts[1] );
						if ( 'set-cookie' === strtolower( trim( $parts[0] ) ) && preg_match( '/^\s*([^=]+)=([^;]*)/', $parts[1], $found ) ) {
							$this->cookies[ parse_url( $url, PHP_URL_HOST ) ][ $found[1] ] = $found[2];
						}
					}
					return strlen( $line );
				},
			) + ( null === $form ? array() : array( CURLOPT_POSTFIELDS => preg_replace( '/%5B\d+%5D=/', '=', http_build_query( $form ) ) ) )
		);
		$body = curl_exec( $curl );
		if ( false === $body ) {
			throw new RuntimeException( "$url: " . curl_error( $curl ) );
		}
		return array( curl_getinfo( $curl, CURLINFO_RESPONSE_CODE ), $headers, $body );
	}

	/** Opens a link and presses the button on each page, until a page sends it to an address that begins with `$until`. */
	public function decide( string $url, string $until, string $button = 'allow', array $choices = array() ): string {
		for ( $page = 0; $page < 10; $page++ ) {
			if ( 0 === strpos( $url, $until ) ) {
				return $url;
			}
			list( $code, $headers, $body ) = $this->fetch( $url );
			if ( 200 === $code ) {
				$own                           = false !== strpos( $url, '/oauth/connect/' );
				list( $code, $headers, $body ) = $this->fetch( $url, $this->fill( $body, $own ? 'allow' : $button, $choices ) );
			}
			if ( empty( $headers['location'] ) ) {
				throw new RuntimeException( "$url answers $code and leads nowhere: " . substr( $body, 0, 500 ) );
			}
			$url = $headers['location'];
		}
		throw new RuntimeException( "the pages do not end: $url" );
	}

	/** What the form of a page sends when this button is pressed. */
	private function fill( string $html, string $button, array $choices ): array {
		$page = new DOMDocument();
		@$page->loadHTML( $html );
		$fields = array();
		foreach ( $page->getElementsByTagName( 'input' ) as $input ) {
			$is_box = in_array( $input->getAttribute( 'type' ), array( 'checkbox', 'radio' ), true );
			if ( '' !== $input->getAttribute( 'name' ) && ( ! $is_box || $input->hasAttribute( 'checked' ) ) ) {
				$fields[ $input->getAttribute( 'name' ) ][] = $input->getAttribute( 'value' );
			}
		}
		foreach ( $page->getElementsByTagName( 'select' ) as $select ) {
			foreach ( $select->getElementsByTagName( 'option' ) as $option ) {
				$name = $select->getAttribute( 'name' );
				if ( ! isset( $fields[ $name ] ) || $option->hasAttribute( 'selected' ) || $option->getAttribute( 'value' ) === ( $choices[ $name ] ?? '' ) ) {
					$fields[ $name ] = array( $option->getAttribute( 'value' ) );
				}
			}
		}
		$sent = array();
		foreach ( $fields as $name => $values ) {
			$sent[ $name ] = 1 === count( $values ) ? $values[0] : $values;
		}
		foreach ( $page->getElementsByTagName( 'button' ) as $pressed ) {
			if ( $pressed->getAttribute( 'value' ) === $button ) {
				$sent[ $pressed->getAttribute( 'name' ) ] = $button;
			}
		}
		return $choices + $sent;
	}
}
