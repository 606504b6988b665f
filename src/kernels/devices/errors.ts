// Errors of devices that a program may want to tell apart.

/** There is no such device here. */
export class NoDeviceError extends Error {
  override readonly name = "NoDeviceError";
}

/** The device went away: unplugged, reset by its driver, or closed. Open it again; what lived on it is gone. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** The device has no memory left. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
}

/** A tensor or kernel is larger than the device allows. */
export class LimitError extends Error {
  override readonly name = "LimitError";
}
