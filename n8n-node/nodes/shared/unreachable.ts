/** Why no connection to a core could be made, and what to do, told from the words of the TLS and network libraries. */

import type { CoreError } from './transport';

interface Explained {
	message: string;
	description: string;
}

/** Explains a failure before which nothing was sent. */
export function explainUnreachable({ failure, address, hasCa }: CoreError): Explained {
	const core = `The AuraReels core at ${address} cannot be reached`;
	const text = failure.message;
	const because = (why: string, remedy: string) => ({
		message: `${core}: ${why}`,
		description: `Nothing was sent. ${remedy}`,
	});
	if (/InvalidContentType/i.test(text)) {
		return because(
			'it does not use https',
			'Change https:// to http:// in the credential, or set up a certificate for the core.',
		);
	}
	if (/NoApplicationProtocol/i.test(text)) {
		return because(
			'the server does not support gRPC',
			'Check the address in the credential. A proxy in front of the core must support HTTP/2.',
		);
	}
	if (/NotValidForName|not valid for name/i.test(text)) {
		return because(
			'its certificate is for another host name',
			'In the credential, use the host name that is in the certificate.',
		);
	}
	if (/certificate.*expired|Expired|NotValidYet|not valid yet/i.test(text)) {
		return because(
			'its certificate has expired or is not valid yet',
			"Renew the core's certificate, or check the clocks of both machines.",
		);
	}
	if (/certificate|UnknownIssuer/i.test(text)) {
		return because(
			'its certificate is not trusted',
			hasCa
				? 'The CA certificate in the credential does not belong to the CA that signed it.'
				: 'Enter the certificate of the CA that signed it in the credential, in "CA Certificate".',
		);
	}
	if (/dns error|lookup address/i.test(text)) {
		return because(
			'the host was not found',
			"Check that n8n can reach the address in the credential. In Docker, use the name of the core's container.",
		);
	}
	if (/connection refused/i.test(text)) {
		return because(
			'the connection was refused',
			'Check that the core is running and that the port is correct. In Docker, "localhost" is the n8n container itself, so use the name of the core\'s container.',
		);
	}
	return because(
		'the connection failed',
		`Check that the core is running and that n8n can reach the address in the credential (${text}).`,
	);
}
