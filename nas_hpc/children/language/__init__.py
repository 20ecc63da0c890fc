"""A text child: recurrent cells in a language model, and the text that it is trained on."""
