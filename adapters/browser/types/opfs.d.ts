// What dedicated workers have of the origin private file system and the DOM library does not tell (WHATWG File System Standard, 2024-06).

interface FileSystemSyncAccessHandle {
  read(buffer: Uint8Array, options?: { readonly at?: number }): number;
  /** Bytes written; fewer than given where the quota ends. */
  write(buffer: Uint8Array, options?: { readonly at?: number }): number;
  truncate(bytes: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
  /** Not in the standard, but in Chromium, Firefox and Safari: renames in one step, over what was there. */
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}
