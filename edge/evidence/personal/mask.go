package personal

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/observation/coded"
)

// Mask says which fields of a message are personal, as a tree of field numbers. A node without fields is a field
// whose value is personal. Values keep their mask with them, so that they can be put back whatever the schema marks
// by then.
type Mask struct {
	fields  map[protowire.Number]*Mask
	text    bool   // of a leaf from the schema: a text, not bytes or a message
	encoded []byte // of a mask from the schema
}

func (m *Mask) leaf() bool { return len(m.fields) == 0 }

func (m *Mask) field(number protowire.Number) *Mask { return m.fields[number] }

// Bounds on an encoded mask, which may come from elsewhere.
const (
	maxMaskDepth  = 8
	maxMaskFields = 256
)

// Bytes returns the mask encoded: for each field, by number, a varint number<<1, with 1 added when fields of it
// follow; 0 ends the fields of a message.
func (m *Mask) Bytes() []byte {
	if m.encoded != nil {
		return m.encoded
	}
	return m.appendTo(nil)
}

func (m *Mask) appendTo(dst []byte) []byte {
	for _, number := range slices.Sorted(maps.Keys(m.fields)) {
		child := m.fields[number]
		if child.leaf() {
			dst = binary.AppendUvarint(dst, uint64(number)<<1)
			continue
		}
		dst = child.appendTo(binary.AppendUvarint(dst, uint64(number)<<1|1))
	}
	return append(dst, 0)
}

// decodeMask reads a mask from the beginning of text, and returns what follows it.
func decodeMask(text []byte) (m *Mask, rest []byte, err error) {
	d := maskDecoder{text: text, left: maxMaskFields}
	m, ok := d.fields(maxMaskDepth)
	if !ok || m.leaf() {
		return nil, text, coded.New("personal.mask")
	}
	m.encoded = text[:len(text)-len(d.text)]
	return m, d.text, nil
}

// maskDecoder is a mask that is being read.
type maskDecoder struct {
	text []byte
	left int // fields that may still come
}

func (d *maskDecoder) fields(depth int) (*Mask, bool) {
	m := &Mask{fields: map[protowire.Number]*Mask{}}
	for {
		x, n := binary.Uvarint(d.text)
		if n <= 0 {
			return nil, false
		}
		d.text = d.text[n:]
		if x == 0 {
			return m, true
		}
		number := protowire.Number(x >> 1)
		if x>>1 > uint64(protowire.MaxValidNumber) || number == 0 || d.left == 0 || depth == 0 {
			return nil, false
		}
		d.left--
		child := &Mask{}
		if x&1 != 0 {
			ok := false
			if child, ok = d.fields(depth - 1); !ok || child.leaf() {
				return nil, false
			}
		}
		m.fields[number] = child
	}
}

// MaskOf returns the mask of a kind's bodies, nil when nothing in them is personal.
func MaskOf(kind observation.Kind) *Mask { return masks()[kind] }

// masks has the mask of each kind that has one.
var masks = sync.OnceValue(func() map[observation.Kind]*Mask {
	out := map[observation.Kind]*Mask{}
	fields := (*observation.Body)(nil).ProtoReflect().Descriptor().Fields()
	for number := range observation.Kind_name {
		of := fields.ByNumber(protowire.Number(number))
		if of == nil {
			continue
		}
		m := &Mask{fields: map[protowire.Number]*Mask{}}
		for i := range fields.Len() {
			if f := fields.Get(i); f == of || f.ContainingOneof() == nil {
				m.add(f)
			}
		}
		if !m.leaf() {
			m.encoded = m.appendTo(nil)
			out[observation.Kind(number)] = m
		}
	}
	return out
})

// add adds a field when it is personal, or has fields that are.
func (m *Mask) add(f protoreflect.FieldDescriptor) {
	if IsPersonal(f) {
		m.fields[f.Number()] = &Mask{text: f.Kind() == protoreflect.StringKind}
		return
	}
	if f.Message() == nil || f.Message().FullName() == messageName {
		return
	}
	child := &Mask{fields: map[protowire.Number]*Mask{}}
	for i := range f.Message().Fields().Len() {
		child.add(f.Message().Fields().Get(i))
	}
	if !child.leaf() {
		m.fields[f.Number()] = child
	}
}

// messageName is the type of sentences, which holds itself. It is marked where it stands.
var messageName = (*observation.Message)(nil).ProtoReflect().Descriptor().FullName()

// IsPersonal reports whether the schema marks a field as personal.
func IsPersonal(f protoreflect.FieldDescriptor) bool {
	marked, _ := proto.GetExtension(f.Options(), observation.E_Personal).(bool)
	return marked
}
