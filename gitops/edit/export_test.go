package edit

// Mask masks a whole text, and fails where an action does not end.
func Mask(src []byte) ([]byte, error) {
	found, err := actions(src)
	if err != nil {
		return nil, err
	}
	return mask(src, found), nil
}
