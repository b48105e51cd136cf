// Package photo says which pictures people may add to a case: JPEG or PNG by their content, whatever their name or type says.
// They are kept as they came, so that their hash is that of the camera's file and what the camera wrote into it is evidence.
package photo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	_ "image/jpeg" // the two formats
	_ "image/png"
	"io"

	"lanewarden/drivers/message"
)

// Bounds of a photo. A browser has to draw it.
const (
	MaxBytes  = 8 << 20
	maxPixels = 100_000_000
)

// media are the media types by the names of package image.
var media = map[string]string{"jpeg": "image/jpeg", "png": "image/png"}

// Media is the media types of photos, as headers have them.
const Media = "image/jpeg, image/png"

// Read reads a photo and returns its bytes with their media type. An error says why it is none. It needs no memory beside the
// bytes: the picture is not drawn.
func Read(r io.Reader) (data []byte, mediaType string, err error) {
	data, err = io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, "", message.Wrap(err, "photo.read")
	}
	if len(data) > MaxBytes {
		return nil, "", message.Errorf("photo.large", message.Int("megabytes", MaxBytes>>20))
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	mediaType = media[format]
	switch {
	case err != nil || mediaType == "":
		return nil, "", message.Errorf("photo.format")
	case int64(head.Width)*int64(head.Height) > maxPixels:
		return nil, "", message.Errorf("photo.pixels", message.Int("width", head.Width), message.Int("height", head.Height))
	case format == "jpeg" && !wholeJPEG(data), format == "png" && !wholePNG(data):
		return nil, "", message.Errorf("photo.short")
	}
	return data, mediaType, nil
}

// wholeJPEG reports whether there is an end of the image. Telephones write more behind it.
func wholeJPEG(data []byte) bool { return bytes.Contains(data, []byte{0xff, 0xd9}) }

// wholePNG reports whether all chunks are there, with their checksums, up to the last one.
func wholePNG(data []byte) bool {
	for rest := data[8:]; len(rest) >= 12; {
		n := int64(binary.BigEndian.Uint32(rest))
		if n+12 > int64(len(rest)) {
			return false
		}
		body, sum := rest[4:8+n], binary.BigEndian.Uint32(rest[8+n:])
		if crc32.ChecksumIEEE(body) != sum {
			return false
		}
		if string(body[:4]) == "IEND" {
			return true
		}
		rest = rest[12+n:]
	}
	return false
}
