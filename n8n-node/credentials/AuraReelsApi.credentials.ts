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
				'Where the AuraReels core listens. In Docker, "localhost" is the n8n container itself: use the name of the core\'s container or host.',
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
				'Made by "aurareels api-key create --user 1 --scopes read,publish" on the core. It is shown once.',
		},
		{
			displayName: 'User ID',
			name: 'userId',
			type: 'string',
			default: '',
			placeholder: 'e.g. 1',
			description:
				'Only for a key made with --any-user: the user to act for. A node can name another one in its options.',
		},
		{
			displayName: 'CA Certificate',
			name: 'caCertificate',
			type: 'string',
			typeOptions: { rows: 4, password: true },
			default: '',
			placeholder: '-----BEGIN CERTIFICATE-----',
			description:
				"Only for https with a private certificate: the certificate of the authority that signed the core's, in PEM form",
		},
	];
}
