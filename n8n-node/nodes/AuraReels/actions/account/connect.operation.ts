import type { IDataObject, INodeProperties } from 'n8n-workflow';

import type { Platform } from '../../../shared/api';
import { call } from '../../../shared/transport';
import { optionsField } from '../../fields/options';
import { platformField } from '../../fields/platform';
import type { Operation } from '../../operation';
import { accountId } from '../../read/ids';
import { choice, text } from '../../../shared/values';
import { success } from '../../results';

const loginFlavour: INodeProperties = {
	displayName: 'Login',
	name: 'loginFlavour',
	type: 'options',
	options: [
		{ name: "Core's Default", value: '' },
		{
			name: 'Facebook Login',
			value: 'facebook_login',
			description: 'The account is linked to a Facebook Page',
		},
		{
			name: 'Instagram Login',
			value: 'instagram_login',
			description: 'No Facebook Page is needed',
		},
	],
	default: '',
	displayOptions: { show: { platform: ['instagram'] } },
	description: 'How the owner of the account logs in',
};

const reconnect: INodeProperties = {
	displayName: 'Reconnect Account Name or ID',
	name: 'accountId',
	type: 'options',
	typeOptions: { loadOptionsMethod: 'getAccounts' },
	default: '',
	description:
		'The account to connect again. Any other account is refused. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
};

const redirectUri: INodeProperties = {
	displayName: 'Redirect URI',
	name: 'redirectUri',
	type: 'string',
	default: '',
	placeholder: 'e.g. https://app.example.com/connected',
	description:
		"Where the platform redirects the browser after the login. The core's settings must allow it. Leave empty to use the core's own page.",
};

/** The link that an owner opens to connect an account. */
export const connect: Operation = {
	option: {
		name: 'Connect',
		value: 'connect',
		action: 'Get a link to connect an account',
		description:
			'Get a link for the owner of an account to connect it. The link is valid for ten minutes.',
	},
	fields: [platformField, loginFlavour, optionsField(reconnect, redirectUri)],
	async execute(work) {
		const { node, item } = work;
		const options = node.getNodeParameter('options', item, {}) as IDataObject;
		const platform = choice<Platform>(platformField, node.getNodeParameter('platform', item));
		const login = platform === 'instagram' ? node.getNodeParameter('loginFlavour', item, '') : '';
		const answer = await call(work.core, 'AccountService/ConnectAccount', {
			platform,
			login_flavour: choice(loginFlavour, login) ?? null,
			redirect_uri: text(options.redirectUri, 'Redirect URI'),
			account_id: options.accountId ? accountId(options.accountId) : null,
		});
		return [success(answer)];
	},
};
