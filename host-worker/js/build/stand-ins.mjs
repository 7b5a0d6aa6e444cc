// What stands in the glue in place of parts of jco's runtime.

/** Runtime functions of jco with a synchronous stand-in. The key must be declared in the glue. */
export const STAND_INS = {
  // One state for the one component instance. `throwIfTrapped` keeps a broken instance from
  // being entered again. An exception with a `payload` is the error of an import's `result`, and
  // no trap; the glue goes on where `markTrapped` says so.
  getOrCreateAsyncState: `
    const instanceState = {
      mayLeave: true,
      trapped: undefined,
      throwIfTrapped() { if (this.trapped !== undefined) throw new WebAssembly.RuntimeError('the instance has trapped'); },
      markTrapped(err) {
        if (err !== null && typeof err === 'object' && Object.hasOwn(err, 'payload')) return false;
        this.trapped = err ?? true;
        return true;
      },
    };
    function getOrCreateAsyncState() { return instanceState; }`,
  // jco asks the memory for its buffer at each access, which costs more than the access. A memory
  // that grows gets another buffer, and a view of the old one then has no bytes: that is what is
  // asked here. An instance has one memory, which `refuseLeftovers` makes sure of.
  dataView: `
    let memoryBytes = new Uint8Array(0);
    let memoryView;
    function bytesOf(memory) {
      if (memoryBytes.length === 0) {
        memoryBytes = new Uint8Array(memory.buffer);
        memoryView = new DataView(memory.buffer);
      }
      return memoryBytes;
    }
    function dataView(memory) {
      if (memoryBytes.length === 0) bytesOf(memory);
      return memoryView;
    }`,
  // jco counts UTF-8 bytes one character at a time and then encodes. Nearly all text here is
  // ASCII, where one byte per character is exact and known beforehand. Below 64 characters a
  // loop beats the call into the encoder (measured in workerd: 0.14 against 0.42 µs).
  _utf8AllocateAndEncode: `
    function _utf8AllocateAndEncode(s, realloc, memory) {
      if (typeof s !== 'string') throw new TypeError('expected a string, received [' + typeof s + ']');
      const n = s.length;
      if (n === 0) return { ptr: 1, len: 0 };
      let ptr = realloc(0, 0, 1, n);
      if (n <= 64) {
        const bytes = bytesOf(memory);
        let i = 0;
        for (; i < n; i++) { const c = s.charCodeAt(i); if (c > 127) break; bytes[ptr + i] = c; }
        if (i === n) return { ptr, len: n };
      }
      const { read } = TEXT_ENCODER_UTF8.encodeInto(s, new Uint8Array(memory.buffer, ptr, n));
      if (read === n) return { ptr, len: n };
      const most = n * 3;
      ptr = realloc(ptr, n, 1, most);
      const { written } = TEXT_ENCODER_UTF8.encodeInto(s, new Uint8Array(memory.buffer, ptr, most));
      ptr = realloc(ptr, most, 1, written);
      return { ptr, len: written };
    }`,
  // Without ignoreBOM a text that begins with U+FEFF would lose it.
  //
  // Most texts that come out of a call are the same few header names and values each time, and a
  // call of the decoder costs 0.3 µs in workerd. So short ASCII texts are compared with the last
  // one that fell on the same of 64 slots, and that string is used again where they are equal.
  TEXT_DECODER_UTF8: `
    const TEXT_DECODER_UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
    const recentTexts = new Array(64).fill('');
    function decodeText(memory, ptr, len) {
      const bytes = bytesOf(memory);
      if (len > 64) return TEXT_DECODER_UTF8.decode(bytes.subarray(ptr, ptr + len));
      if (len === 0) return '';
      const slot = (len * 7 + bytes[ptr] * 5 + bytes[ptr + len - 1] * 3 + bytes[ptr + (len >> 1)]) & 63;
      const recent = recentTexts[slot];
      if (recent.length === len) {
        let i = 0;
        while (i < len && recent.charCodeAt(i) === bytes[ptr + i]) i++;
        if (i === len) return recent;
      }
      const text = TEXT_DECODER_UTF8.decode(bytes.subarray(ptr, ptr + len));
      // Only ASCII has as many characters as bytes and equal codes, so only it can match above.
      if (text.length === len) recentTexts[slot] = text;
      return text;
    }`,
  // jco remembers every handle ever made, for reports on misuse; over the life of an isolate
  // that is a leak.
  rscTableCreateOwn: `
    function rscTableCreateOwn(table, rep) {
      const free = table[0] & ~T_FLAG;
      if (free === 0) { table.push(0, rep | T_FLAG); return (table.length >> 1) - 1; }
      table[0] = table[free << 1];
      table[free << 1] = 0;
      table[(free << 1) + 1] = rep | T_FLAG;
      return free;
    }`,
  // The collector drops what a cancelled request left behind; all else is dropped explicitly. It
  // must never throw, which would end a Node process, nor enter an instance that has trapped.
  // jco's own fallback lacks `register`, so it throws in workerd before 2025-05.
  finalizationRegistryCreate: `
    function finalizationRegistryCreate(unregister) {
      if (typeof FinalizationRegistry === 'undefined') return { register() {}, unregister() {} };
      return new FinalizationRegistry((handle) => {
        const state = getOrCreateAsyncState(0);
        if (state.trapped !== undefined) return;
        try { unregister(handle); } catch (err) { state.markTrapped(err); }
      });
    }`,
};
