// The part of n8n that runs a node: parameters with the defaults and visibility rules of the node's own description,
// credentials, items, a binary store. n8n's own code decides which parameters exist, so that a field that is not shown
// has no value here either.

import { createRequire } from 'node:module';
import { Readable } from 'node:stream';

const require = createRequire(import.meta.url);
const { NodeHelpers, Workflow } = require('n8n-workflow');
const { AuraReels } = require('../../dist/nodes/AuraReels/AuraReels.node.js');
const {
	AuraReelsEventTrigger,
} = require('../../dist/nodes/AuraReelsEventTrigger/AuraReelsEventTrigger.node.js');

export const node = new AuraReels();
export const triggerNode = new AuraReelsEventTrigger();

const CREDENTIALS = {
	address: 'http://127.0.0.1:50051',
	apiKey: 'ar_test',
	userId: '',
	caCertificate: '',
};

/** The parameters as n8n has them for a node of this type. */
function complete(type, given, { version = 1, onError } = {}) {
	const self = {
		id: 'node-1',
		name: 'AuraReels',
		type: type.description.name,
		typeVersion: version,
		onError,
		position: [0, 0],
		parameters: given,
	};
	const properties = type.description.properties;
	const parameters = NodeHelpers.getNodeParameters(
		properties,
		given,
		true,
		false,
		self,
		type.description,
	);
	return { ...self, parameters };
}

function lookUp(object, path) {
	return path
		.split('.')
		.reduce((value, name) => (value === undefined ? undefined : value[name]), object);
}

function extract(value, options) {
	return options?.extractValue && value && typeof value === 'object' && value.__rl
		? value.value
		: value;
}

/** What both kinds of node see. */
function context(type, parameters, { credentials = CREDENTIALS, ...more } = {}) {
	const perItem = (Array.isArray(parameters) ? parameters : [parameters]).map((given) =>
		complete(type, given, more),
	);
	const logged = [];
	const log = (level) => (message) => logged.push(`${level}: ${message}`);
	return {
		logged,
		logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
		getNode: () => perItem[0],
		getWorkflow: () => ({ id: 'workflow-1', name: 'Test' }),
		getTimezone: () => 'Europe/Berlin',
		getCredentials: async (name) => {
			if (name !== 'auraReelsApi') throw new Error(`the node asked for the credential ${name}`);
			return credentials;
		},
		parameter(item, name, fallback, options) {
			const found = lookUp(perItem[Math.min(item, perItem.length - 1)].parameters, name);
			if (found === undefined && fallback === undefined)
				throw new Error(`Could not get parameter "${name}"`);
			return extract(found === undefined ? fallback : found, options);
		},
	};
}

function createDeferredPromise() {
	const deferred = {};
	deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
	return deferred;
}

/** n8n's server keeps the process alive; open event streams do not. */
async function alive(promise) {
	const server = setInterval(() => {}, 1_000_000);
	try {
		return await promise;
	} finally {
		clearInterval(server);
	}
}

/** The fields that n8n shows of a node of version 2, in their order. */
export function shownFields(parameters) {
	const self = complete(node, parameters, { version: 2 });
	const { properties } = node.description;
	return properties
		.filter((field) => NodeHelpers.displayParameter(self.parameters, field, self, node.description))
		.map(({ name }) => name);
}

/** A workflow of n8n's own with one node of these parameters. */
function workflowOf(parameters, { version = 1 } = {}) {
	const one = {
		id: 'node-1',
		name: 'AuraReels',
		type: node.description.name,
		typeVersion: version,
		position: [0, 0],
		parameters,
	};
	const nodeTypes = {
		getByName: () => node,
		getByNameAndVersion: () => node,
		getKnownTypes: () => ({}),
	};
	return new Workflow({ id: 'w', nodes: [one], connections: {}, active: false, nodeTypes });
}

/** The line under the node's name, as n8n works it out. */
export function subtitle(parameters, options) {
	const workflow = workflowOf(parameters, options);
	const self = workflow.getNode('AuraReels');
	return workflow.expression.getSimpleParameterValue(
		self,
		node.description.subtitle,
		'internal',
		{},
	);
}

/** The outputs of a node with these parameters, as n8n works them out. */
export function outputs(parameters, options) {
	const workflow = workflowOf(parameters, options);
	return NodeHelpers.getNodeOutputs(workflow, workflow.getNode('AuraReels'), node.description);
}

/** Runs the AuraReels node of `version` (1 unless given); `parameters` is one set for all items, or one per item. */
export async function run(parameters, options = {}) {
	const { items, continueOnFail = false, signal, binary = {}, tool = false } = options;
	const self = context(node, parameters, options);
	const input =
		items ?? (Array.isArray(parameters) ? parameters : [parameters]).map(() => ({ json: {} }));
	return await alive(
		node.execute.call({
			...self,
			getInputData: () => input,
			getNodeParameter: (name, item, fallback, more) => self.parameter(item, name, fallback, more),
			isToolExecution: () => tool,
			continueOnFail: () => continueOnFail,
			getExecutionId: () => '77',
			getExecutionCancelSignal: () => signal,
			helpers: {
				assertBinaryData: (_item, field) => {
					if (!binary[field])
						throw new Error(
							`This operation expects the node's input data to contain a binary file '${field}'`,
						);
					return binary[field];
				},
				getBinaryStream: async (id, chunk) => Readable.from(binary[`${id}:stream`](chunk)),
				getBinaryMetadata: async (id) => binary[`${id}:metadata`] ?? {},
			},
		}),
	);
}

/** Calls one of the node's lists. */
export async function list(kind, method, parameters, options = {}) {
	const { filter, token } = options;
	const type = parameters.events ? triggerNode : node;
	const self = context(type, parameters, options);
	const functions = {
		...self,
		getCurrentNodeParameter: (name, options) =>
			extract(lookUp(self.getNode().parameters, name), options),
	};
	return await type.methods[kind][method].call(functions, filter, token);
}

/** Tests a credential as n8n does. */
export async function testCredential(data) {
	return await node.methods.credentialTest.auraReelsApiTest.call(
		{},
		{ id: '1', name: 'test', type: 'auraReelsApi', data },
	);
}

/**
 * Starts the trigger as n8n does for a published workflow. `database` is what n8n keeps of the workflow: its static data
 * and the keys of its executions. Static data is stored when an execution is started and after activation, as n8n does it.
 */
export async function activate(parameters, database, options = {}) {
	const self = context(triggerNode, parameters, options);
	const staticData = structuredClone(database.staticData ?? {});
	const store = () => {
		database.staticData = structuredClone(staticData);
	};
	database.keys ??= new Set();
	database.executions ??= [];
	const waiters = [];
	const errors = [];
	const trigger = {
		...self,
		getMode: () => 'trigger',
		getActivationMode: () => 'activate',
		getWorkflowStaticData: () => staticData,
		getNodeParameter: (name, fallback, more) => self.parameter(0, name, fallback, more),
		helpers: { createDeferredPromise },
		emitError: (error) => errors.push(error),
		emit(data, _response, done, key) {
			store();
			if (key && database.keys.has(key)) {
				if (!options.neverAnswers) setImmediate(() => done?.resolve(undefined));
				return;
			}
			if (key) database.keys.add(key);
			const execution = { data, key, finish: () => done?.resolve({}) };
			database.executions.push(execution);
			if (!options.keepRunning) setImmediate(execution.finish);
			waiters.splice(0).forEach((wake) => wake());
		},
	};
	const { closeFunction } = await alive(triggerNode.trigger.call(trigger));
	store();
	return {
		errors,
		logged: self.logged,
		/** A clean stop. */
		close: closeFunction,
		/** Waits until so many executions were started. */
		async started(count, limitMs = 60_000) {
			const begin = Date.now();
			while (database.executions.length < count) {
				if (Date.now() - begin > limitMs)
					throw new Error(`only ${database.executions.length} of ${count} executions`);
				await Promise.race([
					new Promise((wake) => waiters.push(wake)),
					new Promise((wake) => setTimeout(wake, 200)),
				]);
			}
			return database.executions.map(({ data }) => data[0][0]?.json).filter(Boolean);
		},
	};
}

/** "Execute workflow" in the editor on a trigger: resolves with the data that it shows. */
export async function execute(parameters, options = {}) {
	const self = context(triggerNode, parameters, options);
	let show;
	const shown = new Promise((resolve) => (show = resolve));
	const { manualTriggerFunction, closeFunction } = await triggerNode.trigger.call({
		...self,
		getMode: () => 'manual',
		getActivationMode: () => 'manual',
		getNodeParameter: (name, fallback, more) => self.parameter(0, name, fallback, more),
		emit: (data) => show(data[0].map(({ json }) => json)),
	});
	const running = manualTriggerFunction();
	const data = await alive(Promise.race([shown, running.then(() => shown)]));
	await closeFunction();
	return data;
}
