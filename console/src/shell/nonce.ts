/** Styles that are made while the page runs are allowed by the nonce that the server gave this page (CSP). */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.nonce ?? "";

// Where react-remove-scroll, behind every dialog, looks for it.
Object.assign(globalThis, { __webpack_nonce__: styleNonce });
