package store

// NamedArtifact is an artifact as a row names it.
type NamedArtifact struct {
	SHA256     []byte
	Owner, Idx int64  // of the row
	Name       string // of the file, sealed
	Size       int64
	MediaType  string
}

// JournalRef names a journal and whose it is.
type JournalRef struct {
	Journal []byte
	Sender
}

// Artifacts are what rows name beside their bodies. Small ones are kept in the database.
type Artifacts interface {
	// NameArtifacts enters artifacts and the rows that name them, as far as they are new.
	NameArtifacts([]NamedArtifact) error
	// NamedArtifact reports whether a journal names an artifact with this size, and, when it is held, its true size; held
	// is -1 while it is not.
	NamedArtifact(owner int64, sum []byte, size int64) (named bool, held int64, err error)
	// HoldArtifact records that an artifact is whole. inline are its sealed bytes, nil when it is kept elsewhere. Nobody
	// waits for it then.
	HoldArtifact(sum []byte, size int64, inline []byte, atNs int64) error
	// IsHeld reports whether an artifact is whole.
	IsHeld(sum []byte) (bool, error)
	// DropArtifact forgets the bytes of an artifact.
	DropArtifact(sum []byte) error
	// Pull records that somebody waits for an artifact that is not whole, and returns the journals that name it and are
	// not refused; none when it is whole.
	Pull(sum []byte, atNs int64) ([]JournalRef, error)
	// Pulls returns up to limit artifacts of a journal that somebody waits for, the longest first.
	Pulls(owner int64, limit int) ([][]byte, error)
}
