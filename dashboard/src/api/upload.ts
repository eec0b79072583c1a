// Uploads a video by MediaService.UploadMedia from a browser.
//
// Browsers cannot stream a request over HTTP/1.1, but they send a Blob without reading it into memory, and a Blob may be
// made of parts of a file. So the request is one Blob: the messages of the stream, each a small head and a part of the file.
// XMLHttpRequest tells how much has gone out, which fetch does not.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { trailerFlag, trailerParse, validateTrailer } from "@connectrpc/connect/protocol-grpc-web";

import { coreUrl } from "../boot/host";
import { MediaSchema, type Media } from "../rpc/aurareels/v1/media_pb";
import { UploadMediaRequestSchema } from "../rpc/aurareels/v1/media_service_pb";
import { siteTokens } from "./clients";
import { CoreAway } from "./problem";

const CHUNK_BYTES = 512 * 1024;
/** Field 2 of UploadMediaRequest, `chunk`, length-delimited. */
const CHUNK_TAG = 0x12;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** The five bytes before each message of gRPC: not compressed, and its length. */
function head(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5);
  new DataView(bytes.buffer).setUint32(1, length);
  return bytes;
}

/** The whole request for a file. Nothing of the file is read. */
export function framed(file: File): Blob {
  const info = { fileName: file.name.slice(0, 255), contentType: file.type, sizeBytes: BigInt(file.size) };
  const first = toBinary(UploadMediaRequestSchema, create(UploadMediaRequestSchema, { part: { case: "info", value: info } }));
  const parts: BlobPart[] = [head(first.length), new Uint8Array(first)];
  for (let start = 0; start < file.size; start += CHUNK_BYTES) {
    const chunk = file.slice(start, start + CHUNK_BYTES);
    const field = new Uint8Array([CHUNK_TAG, ...varint(chunk.size)]);
    parts.push(head(field.length + chunk.size), field, chunk);
  }
  return new Blob(parts);
}

/** The one message of an answer, or the error that its trailer tells. */
export function readAnswer(body: ArrayBuffer, header: Headers): Media {
  let message: Uint8Array | undefined;
  let trailer: Headers | undefined;
  const view = new DataView(body);
  for (let at = 0; at + 5 <= body.byteLength; ) {
    const [flags, length] = [view.getUint8(at), view.getUint32(at + 1)];
    const data = new Uint8Array(body, at + 5, Math.min(length, body.byteLength - at - 5));
    if (flags & trailerFlag) {
      trailer = trailerParse(data);
    } else {
      message = data;
    }
    at += 5 + length;
  }
  validateTrailer(trailer ?? header, header);
  if (!message) {
    throw new ConnectError("the answer to the upload is incomplete", Code.Unavailable);
  }
  return fromBinary(MediaSchema, message);
}

/** Uploads a file. `onProgress` gets bytes of the file that have gone out. */
export async function upload(file: File, signal: AbortSignal, onProgress: (sent: number) => void): Promise<Media> {
  const token = await siteTokens?.current();
  const body = framed(file);
  const request = new XMLHttpRequest();
  return new Promise<Media>((resolve, reject) => {
    request.open("POST", `${coreUrl}/aurareels.v1.MediaService/UploadMedia`);
    request.responseType = "arraybuffer";
    request.setRequestHeader("content-type", "application/grpc-web+proto");
    request.setRequestHeader("x-grpc-web", "1");
    if (token) {
      request.setRequestHeader("authorization", `Bearer ${token}`);
    }
    request.upload.onprogress = (event) => onProgress(Math.min(file.size, (event.loaded / body.size) * file.size));
    request.onerror = () => reject(new CoreAway(new Error("the connection broke during the upload")));
    request.onabort = () => reject(new DOMException("the upload was stopped", "AbortError"));
    request.onload = () => {
      const header = new Headers();
      for (const name of ["grpc-status", "grpc-message", "grpc-status-details-bin"]) {
        const value = request.getResponseHeader(name);
        if (value !== null) {
          header.set(name, value);
        }
      }
      try {
        const isGrpc = request.getResponseHeader("content-type")?.startsWith("application/grpc-web");
        if (!isGrpc) {
          throw new CoreAway(new Error(`the answer is ${request.status}`));
        }
        resolve(readAnswer(request.response as ArrayBuffer, header));
      } catch (failure) {
        reject(failure);
      }
    };
    signal.addEventListener("abort", () => request.abort());
    if (signal.aborted) {
      request.onabort?.(new ProgressEvent("abort"));
      return;
    }
    request.send(body);
  });
}
