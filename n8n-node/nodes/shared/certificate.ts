/** The CA certificate of a credential: made whole where a form has broken it, and looked at before it is relied on. */

import { X509Certificate } from 'crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g;

/** The certificates in PEM form. A form of one line, or JSON, takes their line breaks away; they are put back. */
export function normalPem(text: string): string {
	return text
		.replace(/(?:\\r)?\\n/g, '\n')
		.replace(CERTIFICATE, (_, body: string) => {
			const lines = body.replace(/\s+/g, '').match(/.{1,64}/g) ?? [];
			return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----\n'].join('\n');
		})
		.trim();
}

/** What is wrong with the text of a CA certificate, if anything: the native module passes over what is no certificate. */
export function faultOfPem(text: string): string | undefined {
	const found = text.match(CERTIFICATE) ?? [];
	if (found.length === 0) {
		return /PRIVATE KEY/.test(text)
			? 'The CA certificate is a private key, which must stay on the server'
			: 'The CA certificate is not in PEM format: it has no "-----BEGIN CERTIFICATE-----" and "-----END CERTIFICATE-----" lines';
	}
	for (const one of found) {
		try {
			new X509Certificate(one);
		} catch {
			return 'The CA certificate cannot be read: part of it is missing or was changed';
		}
	}
	return undefined;
}
