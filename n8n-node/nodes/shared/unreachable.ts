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
			'it does not speak https',
			`Write the address in the credential with http:// instead of https://, or give the core a certificate.`,
		);
	}
	if (/NoApplicationProtocol/i.test(text)) {
		return because(
			'the server there does not speak gRPC',
			'Check the address in the credential. A proxy before the core has to pass HTTP/2 on.',
		);
	}
	if (/NotValidForName|not valid for name/i.test(text)) {
		return because(
			'its certificate is for another name',
			'Use the name that stands in the certificate as the address in the credential.',
		);
	}
	if (/certificate.*expired|Expired|NotValidYet|not valid yet/i.test(text)) {
		return because(
			'its certificate is out of date',
			"Renew the core's certificate, or set the clocks.",
		);
	}
	if (/certificate|UnknownIssuer/i.test(text)) {
		return because(
			'its certificate is not trusted',
			hasCa
				? 'The CA certificate in the credential is not that of the authority that signed it.'
				: 'Put the certificate of the authority that signed it into the field "CA Certificate" of the credential.',
		);
	}
	if (/dns error|lookup address/i.test(text)) {
		return because(
			'there is no host of this name',
			"Check the address in the credential as seen from n8n. In Docker it is the name of the core's container.",
		);
	}
	if (/connection refused/i.test(text)) {
		return because(
			'nothing listens there',
			'Check that the core runs and that the port is right. In Docker, "localhost" is n8n\'s own container: use the name of the core\'s.',
		);
	}
	return because(
		'no connection could be made',
		`Check that the core runs and that the address in the credential is right as seen from n8n (${text}).`,
	);
}
