// Package words says what entries did, in the words of a person who reads over
// somebody's shoulder: for `dashwire tail` and for auditors. What comes from outside is
// made harmless to a terminal. It is English alone; the demo has words of its own.
package words
