// Package jsontext is the house's one door to its JSON library: strict decoding
// into Go structs, encoding, the canonical form of rule D6, and the walk that
// checks the limits of rule D4.
//
// Bytes from outside come in like this:
//
//	if jsontext.Deeper(data, 64) { … }            // cheap, before anything recursive
//	err := jsontext.Decode(data, &message)        // structs, with RawValue members
//	text, err := jsontext.CheckedCanonical(message.Value, jsontext.Limits{}) // what is to be stored
//
// Where much comes in, an Outline does it all in one pass.
//
// It knows nothing of dashboards; pointers and patches on values are in package
// board. Nothing here keeps state; every function may run at the same time.
package jsontext
