// A camera picture that looks like something: evening hills, a drifting sun, and a running clock.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/// Drawn small, since every pixel is computed, and scaled up.
const DRAWN = '480x270';
const SHOWN = '1280:720';
const SECONDS = 12;
const FPS = 15;

/// Sky from blue to amber, a sun that sets, two ridges.
const SUN = 'hypot(X-240-110*sin(2*PI*T/12)\\,Y-124)';
const FAR_RIDGE = '161+22*sin(X/64)+9*sin(X/23)';
const NEAR_RIDGE = '202+30*sin(X/90+2)+8*sin(X/18)';
const channel = (sky, sun, far, near) =>
  `if(gt(Y\\,${NEAR_RIDGE})\\,${near}\\,if(gt(Y\\,${FAR_RIDGE})\\,${far}\\,if(lt(${SUN}\\,17)\\,${sun}\\,${sky})))`;

/// Makes the file once; Chromium plays it in a loop as its camera.
export function sceneryFile() {
  const directory = new URL('../out/', import.meta.url).pathname;
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'scenery.mjpeg');
  if (existsSync(file)) return file;
  const red = channel('60+170*Y/270', '255', '74', '30');
  const green = channel('90+90*Y/270', '226', '84', '48');
  const blue = channel('140-20*Y/270', '160', '92', '44');
  const clock = "drawtext=font=DejaVu Sans Mono:text='%{pts\\:hms}':x=48:y=40:fontsize=40:fontcolor=white@0.85";
  const partial = `${file}.partial.mjpeg`;
  execFileSync('ffmpeg', ['-y', '-v', 'error', '-f', 'lavfi', '-i', `color=black:size=${DRAWN}:rate=${FPS}:duration=${SECONDS}`,
    '-vf', `format=gbrp,geq=r='${red}':g='${green}':b='${blue}',scale=${SHOWN}:flags=bicubic,${clock},format=yuvj420p`, '-q:v', '3', '-f', 'mjpeg', partial]);
  renameSync(partial, file);
  return file;
}
