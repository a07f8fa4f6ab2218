import type Handlebars from 'handlebars';
import { type SlotContents, SLOTS } from '../recipients/slot.source.js';

/** The engine that compiles a renderer's templates. */
export type Engine = typeof Handlebars;

/**
 * Adds the helper `slot` to the engine.
 *
 * `{{#slot "promotion"}}…{{else}}…{{/slot}}` renders the block once for each item of an array, with the item as the context and with `@index`, `@first`
 * and `@last`. Any other content is the context of a block that is rendered once. An empty slot renders the else-branch. In the block, `{{../name}}` is
 * a variable from outside. `(slot "promotion")` is the content itself. `{{slot}}` without a name is a variable of the host.
 */
export function withSlotBlock(engine: Engine): Engine {
  engine.registerHelper(
    'slot',
    function slot(
      this: unknown,
      name: string | Handlebars.HelperOptions,
      options?: Handlebars.HelperOptions,
    ) {
      if (typeof name !== 'string' || !options) return variableOf(this, name as Handlebars.HelperOptions);
      const root = (options.data as { root?: Record<symbol, unknown> } | undefined)?.root;
      const contents = root?.[SLOTS] as SlotContents | undefined;
      const content = contents !== undefined && Object.hasOwn(contents, name) ? contents[name] : undefined;
      if (typeof options.fn !== 'function') return content;
      if (engine.Utils.isEmpty(content)) return options.inverse(this);
      const items: unknown[] = Array.isArray(content) ? content : [content];
      return items.map((item, n) => showItem(engine, options, items, item, n)).join('');
    },
  );
  return engine;
}

/** Looks the variable up as Handlebars does, never in a prototype. */
function variableOf(context: unknown, options: Handlebars.HelperOptions): unknown {
  const { lookupProperty } = options as unknown as {
    lookupProperty: (from: unknown, name: string) => unknown;
  };
  const value = context === null || context === undefined ? undefined : lookupProperty(context, 'slot');
  return typeof value === 'function' ? (value.call(context, options) as unknown) : value;
}

function showItem(
  engine: Engine,
  options: Handlebars.HelperOptions,
  items: unknown[],
  item: unknown,
  n: number,
): string {
  const data = engine.createFrame(options.data) as Record<string, unknown>;
  Object.assign(data, { index: n, key: n, first: n === 0, last: n === items.length - 1 });
  return options.fn(item, { data, blockParams: [item, n] });
}
