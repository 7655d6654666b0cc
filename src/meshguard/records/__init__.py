"""Records: what humans signed, as models, registers, documents and signatures."""
