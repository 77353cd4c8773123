/** This browser's camera as the source of a stream: the next frame goes once the server has taken the last. */

import { useSyncExternalStore } from "react";
import { accessToken } from "#/api/session";

const MOST_FPS = 15;
const WIDEST_PX = 1280;
const QUALITY = 0.85;
const AGAIN_MS = 1000;
const TOKEN_MS = 60_000;
/** Closed for good: another tab sends, the stream is over, or one may not. */
const FINAL = new Set([4401, 4403, 4404, 4409, 4410]);

class BrowserCamera {
  readonly #video = document.createElement("video");
  readonly #canvas = document.createElement("canvas");
  #socket: WebSocket | null = null;
  #token: string | null = null;
  #renewal: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  constructor(
    private readonly streamId: string,
    private readonly media: MediaStream,
  ) {
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = media;
    void this.#video.play();
    void this.#connect();
    this.#renewal = setInterval(() => void this.#renew(), TOKEN_MS);
  }

  stop() {
    this.#isStopped = true;
    clearInterval(this.#renewal);
    this.#socket?.close();
    for (const track of this.media.getTracks()) track.stop();
  }

  async #connect() {
    if (this.#isStopped) return;
    this.#token = await accessToken();
    const address = new URL(`/api/v1/stream/push/${encodeURIComponent(this.streamId)}`, window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => this.#sendToken();
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(String(data)) as { type: string };
      if (type === "ready" || type === "ack") setTimeout(() => void this.#sendFrame(socket), 1000 / MOST_FPS);
    };
    socket.onclose = ({ code }) => {
      if (FINAL.has(code)) stopCamera(this.streamId);
      else if (!this.#isStopped) setTimeout(() => void this.#connect(), AGAIN_MS);
    };
  }

  async #sendFrame(socket: WebSocket) {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const blob = width ? await this.#frame(width, height) : null;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (blob) socket.send(await blob.arrayBuffer());
    else setTimeout(() => void this.#sendFrame(socket), AGAIN_MS / MOST_FPS);
  }

  #frame(width: number, height: number): Promise<Blob | null> {
    const scale = Math.min(1, WIDEST_PX / width);
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.getContext("2d")?.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  async #renew() {
    const token = await accessToken();
    if (token === this.#token) return;
    this.#token = token;
    this.#sendToken();
  }

  #sendToken() {
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.#socket.send(JSON.stringify({ type: "auth", token: this.#token }));
  }
}

/** Of this tab; they go on while pages change. */
const cameras = new Map<string, BrowserCamera>();
const listeners = new Set<() => void>();

export function sendCamera(streamId: string, media: MediaStream) {
  cameras.set(streamId, new BrowserCamera(streamId, media));
  for (const tell of listeners) tell();
}

export function stopCamera(streamId: string) {
  cameras.get(streamId)?.stop();
  cameras.delete(streamId);
  for (const tell of listeners) tell();
}

/** Whether this tab sends the stream's pictures. */
export function useIsSending(streamId: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => cameras.has(streamId),
  );
}
