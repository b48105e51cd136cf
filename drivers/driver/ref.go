package driver

// Ref is a setting that names a document of data: a device profile, a substance library. In the configuration it is
// the name of one that is built in, or the path of a file (it has a '/' in it); the configuration's decoder reads it
// strictly into Value. The field's tag builtin says in which folder of firmware-config the built-in ones are.
type Ref[T any] struct {
	Name   string
	SHA256 [32]byte // of the document's bytes
	Value  *T       // nil when the setting was not given
}

// Reference is the decoder's view of a Ref.
type Reference interface {
	// Into notes the document's name and hash and returns where it is to be decoded: a pointer to a zero T.
	Into(name string, sum [32]byte) any
}

// Into implements Reference.
func (r *Ref[T]) Into(name string, sum [32]byte) any {
	r.Name, r.SHA256, r.Value = name, sum, new(T)
	return r.Value
}
