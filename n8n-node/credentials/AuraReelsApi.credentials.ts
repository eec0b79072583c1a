import type { Icon, ICredentialType, INodeProperties } from 'n8n-workflow';

export class AuraReelsApi implements ICredentialType {
	name = 'auraReelsApi';

	displayName = 'AuraReels API';

	icon: Icon = {
		light: 'file:../icons/aurareels.svg',
		dark: 'file:../icons/aurareels.dark.svg',
	};

	documentationUrl = 'https://github.com/aurareels/aurareels/tree/main/n8n-node#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'Address',
			name: 'address',
			type: 'string',
			default: 'http://localhost:50051',
			required: true,
			placeholder: 'e.g. https://aurareels.example.com',
			description:
				'Where the AuraReels core listens. In Docker, "localhost" is the n8n container itself, so use the name of the core\'s container or host.',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'e.g. ar_...',
			description:
				'Created on the core with "aurareels api-key create --user 1 --scopes read,publish", which shows it once',
		},
		{
			displayName: 'User ID',
			name: 'userId',
			type: 'string',
			default: '',
			placeholder: 'e.g. 1',
			description:
				'The user to act for. Only for an API key created with --any-user. Nodes can override it in their options.',
		},
		{
			displayName: 'CA Certificate',
			name: 'caCertificate',
			type: 'string',
			typeOptions: { rows: 4, password: true },
			default: '',
			placeholder: '-----BEGIN CERTIFICATE-----',
			description:
				"The certificate of the CA that signed the core's certificate, in PEM format. Only for https with a private CA.",
		},
	];
}
