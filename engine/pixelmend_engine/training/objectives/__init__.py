"""What a stage of training computes and is judged by."""
