import { byId } from './element.js';
import { say } from './words.js';

/** Reads a QR code by the camera, with the browser's own detector or else the package `qr` from our own origin. */

const LOOK_EVERY_MS = 150;
/** Longer side of the scanned picture. Codes of licenses are up to 100 modules wide. */
const SIDE_PIXELS = 1280;
const TEXT_LIMIT = 2048;

/** @typedef {(picture: HTMLCanvasElement) => Promise<string | null>} Reader */

/** @type {(() => void) | null} */
let stopNow = null;

/** Stops a running scan, if any. */
export function stopCamera() {
  stopNow?.();
  stopNow = null;
}

/**
 * Shows the camera's picture and scans it until a code is found or the user stops.
 * @param {(text: string) => void} onText
 */
export async function startCamera(onText) {
  stopCamera();
  const message = byId('camera-said');
  if (!navigator.mediaDevices?.getUserMedia) {
    message.textContent = say.noCamera;
    return;
  }
  let stream;
  try {
    const constraints = { facingMode: 'environment', width: { ideal: 1920 }, height: { ideal: 1080 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: constraints, audio: false });
  } catch (error) {
    message.textContent = whyNot(error);
    return;
  }
  const video = /** @type {HTMLVideoElement} */ (byId('video'));
  const cameraStream = stream;
  let running = true;
  stopNow = () => {
    running = false;
    for (const track of cameraStream.getTracks()) track.stop();
    video.srcObject = null;
    byId('view').hidden = true;
  };
  video.srcObject = cameraStream;
  byId('view').hidden = false;
  message.textContent = say.cameraOn;
  byId('camera-stop').focus();
  await video.play().catch(() => {});
  const read = await readerOf();
  const canvas = document.createElement('canvas');
  while (running) {
    const text = await look(video, canvas, read);
    if (running && text) {
      stopCamera();
      message.textContent = say.cameraRead;
      onText(text.slice(0, TEXT_LIMIT));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 * @param {Reader} read
 */
async function look(video, canvas, read) {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0) return null;
  const scale = Math.min(1, SIDE_PIXELS / Math.max(videoWidth, videoHeight));
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  canvas.getContext('2d', { willReadFrequently: true })?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return read(canvas);
}

/** @returns {Promise<Reader>} */
async function readerOf() {
  return (await nativeReader()) ?? (await ownReader());
}

/** @returns {Promise<Reader | null>} */
async function nativeReader() {
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  try {
    const formats = await Detector?.getSupportedFormats();
    if (!formats?.includes('qr_code')) return null;
    const detector = new Detector({ formats: ['qr_code'] });
    return async (picture) => (await detector.detect(picture).catch(() => []))[0]?.rawValue ?? null;
  } catch {
    return null;
  }
}

/** @returns {Promise<Reader>} */
async function ownReader() {
  const { decodeQR } = await import('./qr/decode.js');
  return async (picture) => {
    const { width, height } = picture;
    const data = picture.getContext('2d')?.getImageData(0, 0, width, height).data;
    try {
      return data ? decodeQR({ width, height, data }) : null;
    } catch {
      // No code in this picture.
      return null;
    }
  };
}

/** @param {unknown} error */
function whyNot(error) {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return say.cameraRefused;
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return say.cameraMissing;
  return say.cameraBusy;
}
