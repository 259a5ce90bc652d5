#include "base/json_out.h"
