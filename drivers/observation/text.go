package observation

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ReplaceInvalidText replaces what is no UTF-8 in the texts of a message, at any depth, with U+FFFD. Devices and files
// hold texts in other encodings, and texts get cut within a character; a message with such a text cannot be encoded.
func ReplaceInvalidText(m proto.Message) { replaceInvalidText(m.ProtoReflect()) }

func replaceInvalidText(m protoreflect.Message) {
	valid := func(v protoreflect.Value) protoreflect.Value {
		return protoreflect.ValueOfString(strings.ToValidUTF8(v.String(), "\uFFFD"))
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch text, message := field.Kind() == protoreflect.StringKind, field.Message() != nil; {
		case field.IsList():
			for list, i := v.List(), 0; i < list.Len(); i++ {
				switch {
				case text:
					list.Set(i, valid(list.Get(i)))
				case message:
					replaceInvalidText(list.Get(i).Message())
				}
			}
		case text:
			m.Set(field, valid(v))
		case message:
			replaceInvalidText(v.Message())
		}
		return true
	})
}
