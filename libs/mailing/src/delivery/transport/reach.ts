/**
 * How far a message got at most. `nowhere`: no session was open for it. `session`: one was, but no byte of its body has left. `body`: the server
 * may have a part.
 */
export type Reach = 'nowhere' | 'session' | 'body';
