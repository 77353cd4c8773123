import { type RefObject, useEffect, useState } from "react";

export type CameraState =
  | { kind: "starting" }
  | { kind: "running"; stream: MediaStream }
  | { kind: "insecure" }
  | { kind: "denied" }
  | { kind: "missing" }
  | { kind: "failed"; reason: string };

/** The camera while `active`; its light goes out with the dialog. */
export function useCamera(active: boolean, deviceId: string | null, attempt: number) {
  const [state, setState] = useState<CameraState>({ kind: "starting" });
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt opens the camera anew.
  useEffect(() => {
    if (!active) return;
    let stream: MediaStream | null = null;
    let left = false;
    setState({ kind: "starting" });
    void openCamera(deviceId).then(async (next) => {
      if (next.kind === "running") stream = next.stream;
      if (left) return stop(stream);
      setState(next);
      if (next.kind !== "running") return;
      const known = await navigator.mediaDevices.enumerateDevices();
      if (!left) setDevices(known.filter((device) => device.kind === "videoinput" && device.deviceId));
    });
    return () => {
      left = true;
      stop(stream);
    };
  }, [active, deviceId, attempt]);
  return { state, devices };
}

/** What the camera shows now; waits for its first picture, for a canvas takes black in its place without a word. */
export async function capture(video: RefObject<HTMLVideoElement | null>): Promise<File | null> {
  const source = video.current;
  if (!source) return null;
  await firstPicture(source);
  if (!source.videoWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = source.videoWidth;
  canvas.height = source.videoHeight;
  canvas.getContext("2d")?.drawImage(source, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  const time = new Date().toISOString().slice(11, 19).replaceAll(":", ".");
  return blob && new File([blob], `camera ${time}.jpg`, { type: "image/jpeg" });
}

function firstPicture(source: HTMLVideoElement): Promise<void> {
  if (source.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) return Promise.resolve();
  return new Promise((resolve) => source.addEventListener("loadeddata", () => resolve(), { once: true }));
}

export async function openCamera(deviceId: string | null): Promise<CameraState> {
  // Browsers hide the whole interface from pages that are not secure.
  if (!navigator.mediaDevices) return { kind: "insecure" };
  try {
    const video = {
      width: { ideal: 1280 },
      height: { ideal: 960 },
      ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
    };
    return { kind: "running", stream: await navigator.mediaDevices.getUserMedia({ video, audio: false }) };
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError") return { kind: "denied" };
    if (name === "NotFoundError" || name === "OverconstrainedError") return { kind: "missing" };
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function stop(stream: MediaStream | null) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
