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
func MaskOf(kind observation.Kind) *Mask {
	if m, known := masks.Load(kind); known {
		return m.(*Mask)
	}
	of := bodyFields.ByNumber(protowire.Number(kind))
	if _, known := observation.Kind_name[int32(kind)]; !known || of == nil {
		return nil // is not kept: there may be as many as numbers
	}
	m, _ := masks.LoadOrStore(kind, newMask(of))
	return m.(*Mask)
}

// masks has a mask by kind, *Mask(nil) where nothing is personal, for the kinds that were asked for: a lane has few of
// all that there are, and to look at a message's schema costs memory that stays.
var masks sync.Map

// bodyFields are the fields of a body: one for each kind, and those of all kinds.
var bodyFields = (*observation.Body)(nil).ProtoReflect().Descriptor().Fields()

// newMask returns the mask of bodies that have a field of their kind.
func newMask(of protoreflect.FieldDescriptor) *Mask {
	m := &Mask{fields: map[protowire.Number]*Mask{}}
	for i := range bodyFields.Len() {
		if f := bodyFields.Get(i); f == of || f.ContainingOneof() == nil {
			m.add(f)
		}
	}
	if m.leaf() {
		return nil
	}
	m.encoded = m.appendTo(nil)
	return m
}

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
