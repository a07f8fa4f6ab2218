// What the optional parts share with the plugin, and a host has no use for. The package does not export it.
export {
  group,
  optionalGroup,
  type OptionSchema,
  readOptions,
  type ReadOptions,
} from './model/options/option-group.js';
export {
  aClass,
  custom,
  flag,
  requiredText,
  text,
  whole,
  wholeOrNull,
} from './model/options/option-kinds.js';
export { OptionPlace } from './model/options/option-place.js';
