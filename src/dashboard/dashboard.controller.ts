import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Only what this process serves itself may run or be fetched; nothing inline, nothing framed. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

/** The merchants' page at `/`: a handful of static files, held in memory; it reads the reports with a token of its own. */
@ApiExcludeController()
@Controller()
export class DashboardController {
  private readonly assets = readAssets(join(__dirname, 'public'));

  @Get()
  page(@Req() request: Request, @Res() response: Response): void {
    this.send('index.html', request, response);
  }

  @Get('dashboard/:file')
  file(@Param('file') file: string, @Req() request: Request, @Res() response: Response): void {
    this.send(file, request, response);
  }

  private send(file: string, request: Request, response: Response): void {
    const asset = this.assets.get(file);
    if (asset === undefined) throw new NotFoundException('There is no such file');
    response.setHeader('content-security-policy', contentSecurityPolicy);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    // Asked for anew each time and answered with 304: a deployed page never runs yesterday's scripts.
    response.setHeader('cache-control', 'no-cache');
    response.setHeader('etag', asset.etag);
    if (request.headers['if-none-match'] === asset.etag) {
      response.status(304).end();
      return;
    }
    response.type(asset.type).send(asset.body);
  }
}

function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const known = readdirSync(folder).filter((file) => extname(file) in types);
  return new Map(
    known.map((file) => {
      const body = readFileSync(join(folder, file));
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
      return [file, { type: types[extname(file)]!, body, etag }];
    }),
  );
}
