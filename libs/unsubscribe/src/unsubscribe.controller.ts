import { applyDecorators, Controller, Get, Header, HttpCode, Inject, Post, Query, Res } from '@nestjs/common';
import { UnsubscribePage } from './unsubscribe.page.js';
import { Unsubscriber } from './unsubscriber.js';

/** What express and fastify have in common. */
interface Answer {
  status(code: number): unknown;
}

/** The token is in the URL, so the page must not be cached, indexed or framed, and must not pass its URL on by a link. */
const PageHeaders = (): MethodDecorator =>
  applyDecorators(
    Header('Content-Type', 'text/html; charset=utf-8'),
    Header('Cache-Control', 'no-store'),
    Header('Referrer-Policy', 'no-referrer'),
    Header('X-Robots-Tag', 'noindex'),
    Header('X-Content-Type-Options', 'nosniff'),
    Header(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
  );

/**
 * Where unsubscribe links lead: `/unsubscribe?token=…`.
 *
 * A GET changes nothing, because link scanners of mail servers open every link of every message. A POST unsubscribes, whether it comes from
 * the button or from a mail provider (RFC 8058), and whatever its body: the application may parse this kind of form or not.
 *
 * It needs no CSRF token, and there could be none: the request carries no cookie and no login that could be abused. It carries only the
 * token, and whatever client has the token may unsubscribe.
 */
@Controller('unsubscribe')
export class UnsubscribeController {
  constructor(
    @Inject(Unsubscriber) private readonly unsubscriber: Unsubscriber,
    @Inject(UnsubscribePage) private readonly page: UnsubscribePage,
  ) {}

  @Get()
  @PageHeaders()
  show(@Query('token') token: unknown, @Res({ passthrough: true }) answer: Answer): string {
    return this.unsubscriber.knows(token) ? this.page.ask() : this.#refuse(answer);
  }

  @Post()
  @HttpCode(200)
  @PageHeaders()
  async unsubscribe(
    @Query('token') token: unknown,
    @Res({ passthrough: true }) answer: Answer,
  ): Promise<string> {
    const isDone = await this.unsubscriber.unsubscribe(token);
    return isDone ? this.page.done() : this.#refuse(answer);
  }

  /** Does not say why: a hint that a token was nearly right would help only those who guess tokens. */
  #refuse(answer: Answer): string {
    answer.status(400);
    return this.page.invalid();
  }
}
