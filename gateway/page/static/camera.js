import { byId } from './element.js';
import { say } from './words.js';

/** Reads a QR code by the camera: by the browser's own detector where it has one, else by the package `qr` from our own origin. */

const LOOK_EVERY_MS = 150;
/** Longer side of the picture that is searched: codes of licenses have up to a hundred modules across. */
const SIDE_PIXELS = 1280;
const TEXT_LIMIT = 2048;

/** @typedef {(picture: HTMLCanvasElement) => Promise<string | null>} Reader */

/** @type {(() => void) | null} */
let stopNow = null;

/** Ends what is running, if anything is. */
export function stopCamera() {
  stopNow?.();
  stopNow = null;
}

/**
 * Shows the camera's picture and looks for a code until one is found or somebody stops it.
 * @param {(text: string) => void} onText
 */
export async function startCamera(onText) {
  stopCamera();
  const said = byId('camera-said');
  if (!navigator.mediaDevices?.getUserMedia) {
    said.textContent = say.noCamera;
    return;
  }
  let stream;
  try {
    const wanted = { facingMode: 'environment', width: { ideal: 1920 }, height: { ideal: 1080 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    said.textContent = whyNot(error);
    return;
  }
  const video = /** @type {HTMLVideoElement} */ (byId('video'));
  const given = stream;
  let running = true;
  stopNow = () => {
    running = false;
    for (const track of given.getTracks()) track.stop();
    video.srcObject = null;
    byId('view').hidden = true;
  };
  video.srcObject = given;
  byId('view').hidden = false;
  said.textContent = say.cameraOn;
  byId('camera-stop').focus();
  await video.play().catch(() => {});
  const read = await readerOf();
  const canvas = document.createElement('canvas');
  while (running) {
    const text = await look(video, canvas, read);
    if (running && text) {
      stopCamera();
      said.textContent = say.cameraRead;
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
