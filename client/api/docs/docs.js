// Renders /openapi.json. Everything that is shown is set as text, never as markup.

/** An element with attributes and children. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);

/** A schema in one line: its name, or what it is made of. */
function nameOf(schema) {
  if (schema === undefined) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map(nameOf).join(' | ');
  if (schema.type === 'array') return `${nameOf(schema.items)}[]`;
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  return schema.type ?? 'any';
}

const limits = (schema) =>
  ['default', 'example', 'format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'maxItems']
    .filter((key) => schema[key] !== undefined && Math.abs(Number(schema[key])) !== Number.MAX_SAFE_INTEGER)
    .map((key) => `${key} ${typeof schema[key] === 'string' ? schema[key] : JSON.stringify(schema[key])}`)
    .join(', ');

function row(name, required, schema, description) {
  return h(
    'tr',
    {},
    h('td', {}, h('code', {}, name), required ? ' *' : ''),
    h('td', {}, h('code', {}, nameOf(schema))),
    h('td', {}, [description ?? schema.description, limits(schema)].filter(Boolean).join('. ')),
  );
}

const table = (rows) => (rows.length === 0 ? null : h('table', {}, h('tbody', {}, ...rows)));

function resolve(document_, schema) {
  return schema?.$ref ? document_.components.schemas[schema.$ref.split('/').at(-1)] : schema;
}

function fields(document_, schema) {
  const { properties = {}, required = [] } = resolve(document_, schema) ?? {};
  return table(Object.entries(properties).map(([name, field]) => row(name, required.includes(name), field)));
}

function section(title, ...content) {
  const shown = content.filter(Boolean);
  return shown.length === 0 ? null : h('section', {}, h('h4', {}, title), ...shown);
}

function operation(document_, path, method, spec) {
  const body = Object.entries(spec.requestBody?.content ?? {});
  const answers = Object.entries(spec.responses).map(([status, answer]) => {
    const [type, media] = Object.entries(answer.content ?? {})[0] ?? ['', {}];
    return h(
      'tr',
      {},
      h('td', {}, h('code', {}, status)),
      h('td', {}, h('code', {}, type === 'application/json' ? nameOf(media.schema) : type)),
      h('td', {}, answer.description),
    );
  });
  return h(
    'details',
    { id: spec.operationId },
    h(
      'summary',
      {},
      h('code', { class: 'method' }, method.toUpperCase()),
      h('code', {}, path),
      h('span', { class: 'what' }, spec.summary),
    ),
    h(
      'div',
      {},
      spec.description ? h('p', {}, spec.description) : null,
      section(
        'Parameters',
        table((spec.parameters ?? []).map((p) => row(p.name, p.required, p.schema ?? {}, p.description))),
      ),
      ...body.map(([type, { schema }]) => section(`Body: ${type}`, fields(document_, schema))),
      section('Answers', table(answers)),
    ),
  );
}

function render(document_) {
  byId('about').textContent = `${document_.info.description} Version ${document_.info.version}.`;
  byId('first').textContent = `curl -H "Authorization: Bearer $(cat .aas/token)" ${location.origin}/api/v1/sessions`;
  const operations = byId('operations');
  for (const { name, description } of document_.tags) {
    byId('contents').append(h('a', { href: `#${name}` }, name));
    operations.append(h('h2', { id: name }, name), h('p', {}, description));
    for (const [path, methods] of Object.entries(document_.paths)) {
      for (const [method, spec] of Object.entries(methods)) {
        if (spec.tags.includes(name)) operations.append(operation(document_, path, method, spec));
      }
    }
  }
  byId('contents').append(h('a', { href: '#schemas' }, 'schemas'));
  operations.append(h('h2', { id: 'schemas' }, 'schemas'));
  for (const [name, schema] of Object.entries(document_.components.schemas)) {
    operations.append(
      h(
        'details',
        { id: name },
        h('summary', {}, h('code', {}, name)),
        h('div', {}, fields(document_, schema) ?? nameOf(schema)),
      ),
    );
  }
  // A link into the page that came before what it points to.
  const target = location.hash && byId(location.hash.slice(1));
  if (target) {
    if (target instanceof HTMLDetailsElement) target.open = true;
    target.scrollIntoView();
  }
}

const answer = await fetch('/openapi.json');
if (answer.ok) render(await answer.json());
else byId('operations').textContent = `openapi.json answered ${answer.status}`;
