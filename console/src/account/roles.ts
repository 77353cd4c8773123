/** In the order of what they may do. */
export const ROLES = ["viewer", "operator", "admin"] as const;
