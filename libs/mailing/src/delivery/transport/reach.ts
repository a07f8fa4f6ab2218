/** How far a message got at most: no session was open for it; one was, but no byte has left us; the server may have a part. */
export type Reach = 'nowhere' | 'session' | 'body';
