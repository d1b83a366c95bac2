// Package ratelimit bounds how often something may happen by key, in bounded memory:
// a token bucket for each user or address that is 16 bytes and its place in a map, and
// is forgotten once it is full again.
//
// It does not wait and does not answer; it tells how long to wait.
package ratelimit
