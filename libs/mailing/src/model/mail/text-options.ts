/** How a text part is made from html. */
export interface TextOptions {
  /** Characters of a line; 0: lines are not broken. Default: 78. Bounds: 0, or 20 to 900. */
  lineWidth?: number;
  /** Spaces before the sign of a list item, for each level. Default: 1. Bounds: 0 to 20. */
  indentWidth?: number;
  /** Drawn over the whole line for `<hr>`. Default: `-`. One character. */
  hrChar?: string;
  /** Sign of a list item. Default: `*`. 1 to 3 characters. */
  liChar?: string;
  /**
   * Html elements that are left out of the text, with all that is in them: at most 50 names such as `nav`; letter case does not matter.
   * Default: none. Pictures, scripts and styles are left out anyway.
   */
  dropTags?: readonly string[];
}
